// SPDX-License-Identifier: Apache-2.0
import { expect, expectNoSideScroll, lookAt, signInWithKey, test, timed } from "./support";

test.beforeEach(async ({ page }) => {
  await signInWithKey(page);
});

test("units are found by filters and by the search language, whose faults are told", async ({ page }) => {
  await page.goto("/rent");
  const offers = page.getByRole("table");
  await expect(offers.getByRole("link", { name: "Rent" }).first()).toBeVisible();
  await lookAt(page, "rent-find");
  await page.getByLabel("What", { exact: true }).selectOption("cpu");
  await expect(page.getByLabel(/Search, in the language/)).toHaveValue("num_gpus=0");
  await page.getByLabel(/Search, in the language/).fill("num_gpus>=8");
  await expect(page.getByText("Nothing fits")).toBeVisible();
  await page.getByLabel(/Search, in the language/).fill("colour=red");
  await expect(page.getByRole("alert")).toBeVisible();
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});

test("a pod is rented, typed in, read and stopped", async ({ page }) => {
  const began = Date.now();
  await page.goto("/rent/launch");
  await page.getByRole("button", { name: /Linux terminal/ }).click();
  await page.getByLabel("CPU cores").fill("0.5");
  await page.getByLabel("Memory, GiB").fill("0.25");
  await page.getByLabel("What runs in it").fill("echo the pod is up; exec sleep 600");
  await page.getByRole("button", { name: "What does it cost?" }).click();
  await expect(page.getByText(/an hour, at most/)).toBeVisible();
  await lookAt(page, "rent-launch");
  await page.getByRole("button", { name: "Launch it" }).click();

  await expect(page.getByText("running", { exact: true })).toBeVisible({ timeout: 60_000 });
  const screen = page.getByRole("region", { name: "Terminal" });
  await expect(screen.locator(".xterm-screen")).toBeVisible();
  await screen.locator(".xterm-helper-textarea").focus();
  await page.keyboard.type("echo $((6*7)) is the answer\n");
  await expect(screen.locator(".xterm-rows")).toContainText("42 is the answer", { timeout: 30_000 });
  timed("a pod: running, its terminal answers", began);
  await lookAt(page, "rent-terminal");

  await page.getByRole("tab", { name: "Logs" }).click();
  await expect(page.getByRole("log")).toContainText("the pod is up");
  await page.getByRole("tab", { name: "Metrics" }).click();
  await expect(page.getByText("Load (1 minute)").first()).toBeVisible({ timeout: 30_000 });
  await page.getByRole("tab", { name: "History" }).click();
  await expect(page.getByText("main runs")).toBeVisible();
  await page.getByRole("button", { name: "Stop it" }).click();
  await expect(page.getByText("stopped", { exact: true })).toBeVisible({ timeout: 30_000 });
});
