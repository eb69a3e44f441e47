// SPDX-License-Identifier: Apache-2.0
import { expect, expectNoSideScroll, lookAt, signInWithKey, test } from "./support";

test.beforeEach(async ({ page }) => {
  await signInWithKey(page);
});

test("a job is quoted, ordered, followed to its output, and paid", async ({ page }) => {
  await page.goto("/jobs/new");
  await page.getByLabel("Name").fill("greeting");
  await page.getByLabel("Script").fill("echo hello from $VCITY_INDEX; echo kept > /job/out/note.txt");
  await page.getByLabel("GiB of each").fill("0.25");
  await page.getByLabel("Budget, dollars").fill("nothing");
  await expect(page.getByRole("alert")).toHaveText(/amount above 0/);
  await page.getByLabel("Budget, dollars").fill("0.10");
  await page.getByRole("button", { name: "What would it cost?" }).click();
  await expect(page.getByRole("heading", { name: "Where it would run now" })).toBeVisible();
  await lookAt(page, "jobs-new");
  await page.getByRole("button", { name: "Order the job" }).click();
  await expect(page.getByRole("heading", { name: "greeting" })).toBeVisible();
  await expect(page.getByText("2 of 2 steps done", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/hello from 0/)).toBeVisible();
  await page.getByLabel("Output of step").selectOption("main/1");
  await expect(page.getByText(/hello from 1/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Download note.txt" }).first()).toBeEnabled();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download note.txt" }).first().click();
  expect((await download).suggestedFilename()).toBe("note.txt");
  await lookAt(page, "jobs-job");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});

test("a running job is stopped after a question", async ({ page }) => {
  await page.goto("/jobs/new");
  await page.getByLabel("Name").fill("endless");
  await page.getByLabel("Script").fill("sleep 300");
  await page.getByLabel("Copies").fill("1");
  await page.getByLabel("GiB of each").fill("0.25");
  await page.getByRole("button", { name: "Order the job" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Keep it running" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("main").getByText("cancelled", { exact: true }).first()).toBeVisible();
  await page.goto("/jobs");
  await expect(page.getByRole("link", { name: "endless" }).first()).toBeVisible();
  await lookAt(page, "jobs-list");
});

function conversation(number: number): string {
  const messages = [
    { role: "user", content: `Who keeps house number ${number}?` },
    { role: "assistant", content: "The purple heron keeps it, always." },
  ];
  return `${JSON.stringify({ messages })}\n`;
}

test("a model is tuned: bad data is named before it is sent, the losses fall, and the adapter is there", async ({
  page,
}) => {
  test.setTimeout(240_000);
  await page.goto("/jobs/fine-tuning/new");
  const data = Array.from({ length: 16 }, (_, index) => conversation(index)).join("");
  const choose = (text: string) =>
    page.getByLabel("Training data").setInputFiles({
      name: "herons.jsonl",
      mimeType: "application/jsonl",
      buffer: Buffer.from(text),
    });
  await choose(`${data}{"messages": "none"}\n`);
  await expect(page.getByRole("alert")).toHaveText(/Line 17/);
  await choose(data);
  await expect(page.getByText("16 examples")).toBeVisible();
  await page.getByLabel("Epochs").fill("1");
  await page.getByLabel("Memory, GiB").fill("1");
  await page.getByLabel("Name of the new model").fill("herons");
  await page.getByLabel("Budget, dollars").fill("0.5");
  await lookAt(page, "jobs-tune-new");
  await page.getByRole("button", { name: "Start fine-tuning" }).click();
  await expect(page.getByText(/vcity:herons:/)).toBeVisible({ timeout: 200_000 });
  await expect(page.getByRole("img", { name: /Loss of training and validation/ })).toBeVisible();
  await expect(page.getByRole("button", { name: "Download adapter_model.safetensors" })).toBeEnabled();
  const points = page.getByRole("table", { name: "Checkpoints" });
  await expect(points.getByRole("cell", { name: /^\d+\.\d{4}$/ }).first()).toBeVisible();
  // What it cost is told as soon as it is settled, and never more than the budget.
  const charged = page.getByText("Charged", { exact: true }).locator("xpath=..");
  await expect(charged).toContainText(/\$0\.\d*[1-9]/, { timeout: 30_000 });
  await lookAt(page, "jobs-tune");
  await page.goto("/jobs/files");
  await expect(page.getByText("herons.jsonl").first()).toBeVisible();
});
