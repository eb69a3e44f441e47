// SPDX-License-Identifier: Apache-2.0
import { expect, expectNoSideScroll, lookAt, signInWithKey, test } from "./support";

test("a model call's receipt is checked in the browser, and a changed one is refused", async ({ page, request }) => {
  await signInWithKey(page);
  const headers = { Authorization: `Bearer ${process.env.VCITY_API_KEY}` };
  const models = await (await request.get("/v1/models", { headers })).json();
  const messages = [{ role: "user", content: "What is free software?" }];
  const data = { model: models.data[0].id, messages, max_tokens: 8 };
  const answer = await (await request.post("/v1/chat/completions", { headers, data })).json();
  const asked = () => request.get(`/v1/generation?id=${answer.id}`, { headers });
  await expect.poll(async () => Boolean((await (await asked()).json()).data?.batch), { timeout: 60_000 }).toBe(true);

  await page.goto(`/explorer/receipts/${answer.id}`);
  await expect(page.getByText("This receipt holds", { exact: true })).toBeVisible();
  await expect(page.getByText("Part of the batch that stands on chain")).toBeVisible();
  await lookAt(page, "explorer-receipt");

  const { data: generation } = await (await asked()).json();
  const altered = {
    receipt: { ...generation.receipt, amount: generation.receipt.amount + 1 },
    batch: generation.batch,
  };
  await page.getByLabel("Generation id, receipt hash or JSON").fill(JSON.stringify(altered));
  await page.getByRole("button", { name: "Check it" }).click();
  await expect(page.getByText("This receipt does NOT hold")).toBeVisible();

  await page.getByRole("tab", { name: "Overview" }).click();
  await expect(page.getByText("The sums are equal")).toBeVisible();
  await lookAt(page, "explorer-overview");
  await page.getByRole("tab", { name: "Nodes" }).click();
  await expect(page.getByRole("table", { name: "Nodes" })).toBeVisible();
  await lookAt(page, "explorer-nodes");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});
