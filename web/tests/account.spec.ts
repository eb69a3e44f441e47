// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, expectNoSideScroll, installWallet, lookAt, signInWithWallet, test, timed } from "./support";

async function available(page: Page): Promise<number> {
  const stat = page.getByText("Available", { exact: true }).locator("xpath=..");
  await expect(stat).toContainText(/\$\d/);
  return Number(((await stat.textContent()) ?? "").replace(/^.*\$/, "").replace(/[^\d.]/g, ""));
}

async function deposit(page: Page, dollars: string): Promise<void> {
  await page.getByRole("button", { name: "Deposit" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Amount in dollars").fill(dollars);
  await dialog.getByRole("button", { name: /^Deposit/ }).click();
  await expect(dialog).toBeHidden({ timeout: 60_000 });
}

test("a newcomer with a wallet deposits, signs a limit for a key, talks to a model, and gets the bill", async ({
  page,
}) => {
  const began = Date.now();
  await installWallet(page);
  await page.goto("/account");
  await signInWithWallet(page);
  const before = await available(page);
  await deposit(page, "5");
  await expect.poll(() => available(page), { timeout: 30_000 }).toBeCloseTo(before + 5, 2);

  await page.getByRole("button", { name: "New key" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("laptop");
  await dialog.getByLabel("At most, in dollars, over its whole life").fill("2.50");
  await dialog.getByLabel("At most per day, in dollars").fill("1");
  await lookAt(page, "account-key");
  await dialog.getByRole("button", { name: "Sign and make the key" }).click();
  await expect(dialog.getByTestId("new-key")).toHaveText(/^sk-vcity-/);
  await dialog.getByRole("button", { name: "Use it in this tab" }).click();
  await expect(page.getByRole("cell", { name: "laptop" }).first()).toBeVisible();

  await page.getByRole("navigation").getByRole("link", { name: "Playground" }).click();
  await page.getByLabel("Longest answer, tokens").fill("8");
  await page.getByLabel("Message").fill("What is free software?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText(/^Cost/)).toBeVisible({ timeout: 60_000 });
  timed("a chat: deposited, keyed and answered", began);

  await page.getByRole("navigation").getByRole("link", { name: "Account" }).click();
  const bills = page.getByRole("region", { name: "Bills" });
  await expect(bills.getByRole("cell", { name: /^vcity\// }).first()).toBeVisible({ timeout: 30_000 });
  const pdf = page.waitForEvent("download");
  await bills.getByRole("button", { name: "Download PDF" }).click();
  const saved = await pdf;
  expect(saved.suggestedFilename()).toMatch(/^VC-\d{6}-[0-9a-f]{8}\.pdf$/);
  expect(
    readFileSync(await saved.path())
      .subarray(0, 5)
      .toString(),
  ).toBe("%PDF-");
  await lookAt(page, "account");
  await lookAt(page, "account-bills", page.getByRole("region", { name: /^(Bills|账单)$/ }));
  await page.getByRole("button", { name: "中文" }).click();
  const chinese = page.waitForEvent("download");
  await page.getByRole("button", { name: "下载 PDF" }).click();
  expect((await chinese).suggestedFilename()).toMatch(/\.pdf$/);
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});

test("a deposit is one signature and one transaction", async ({ page, request }) => {
  const address = await installWallet(page);
  const sent = async () => {
    const call = { jsonrpc: "2.0", id: 1, method: "eth_getTransactionCount", params: [address, "latest"] };
    const answer = await request.post(process.env.VCITY_RPC ?? "", { data: call });
    return Number((await answer.json()).result);
  };
  await page.goto("/account");
  await signInWithWallet(page);
  const before = await sent();
  await page.getByRole("button", { name: "Deposit" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Amount in dollars").fill("3");
  await dialog.getByRole("button", { name: "Deposit" }).click();
  await expect(page.getByText("The deposit is on the chain.")).toBeVisible();
  expect(await sent()).toBe(before + 1);
});
