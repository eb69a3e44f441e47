// SPDX-License-Identifier: Apache-2.0
import { expect, expectNoSideScroll, lookAt, signInWithKey, test } from "./support";

test("a question is answered while its price is told, and its receipt holds", async ({ page }) => {
  await signInWithKey(page);
  await page.goto("/");
  await lookAt(page, "playground-empty");
  await page.getByLabel("Longest answer, tokens").fill("24");
  await page.getByLabel("Message").fill("What is free software?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText(/^Cost/)).toBeVisible({ timeout: 60_000 });
  await page.getByText("Receipt and checks").click();
  for (const check of ["The node's signature is its own", "The scheduler's signature is its own"]) {
    const line = page.getByRole("listitem").filter({ hasText: check });
    await expect(line.getByText("holds", { exact: true })).toBeVisible();
  }
  const batch = page.getByRole("listitem").filter({ hasText: "In a batch on the chain" });
  await expect(batch.getByText("holds", { exact: true })).toBeVisible({ timeout: 60_000 });
  await lookAt(page, "playground");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});
