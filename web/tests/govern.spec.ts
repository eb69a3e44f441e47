// SPDX-License-Identifier: Apache-2.0
import type { Page } from "@playwright/test";
import { expect, expectNoSideScroll, installWallet, lookAt, test } from "./support";

test.describe.configure({ mode: "serial" });

async function connect(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Connect a wallet" }).click();
}

test("VCAI are locked through the wallet, and weigh what the simulator said", async ({ page }) => {
  await installWallet(page);
  await page.goto("/govern");
  await page.getByLabel("Amount (VCAI)").fill("2000");
  await lookAt(page, "govern-simulator");
  await connect(page);
  const present = page.getByRole("region", { name: "Present lock" });
  await expect(present).toBeVisible();
  await page
    .getByRole("region", { name: "Lock simulator" })
    .getByRole("button", { name: /Lock|Add to my lock/ })
    .click();
  await expect(present.getByText("2,000 VCAI", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await lookAt(page, "govern-lock");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});

test("a change of a rule is proposed in a form, voted for, and carried out", async ({ page }) => {
  test.setTimeout(240_000);
  await installWallet(page);
  await page.goto("/govern/proposals");
  await connect(page);
  await page.getByRole("button", { name: "New proposal" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What should change, and why").fill("Keep five dollars\n\nFor victims of a cheating node.");
  await dialog.getByLabel("What the proposal does").selectOption("Treasury");
  const reserve = dialog.getByLabel("Reserve target");
  await reserve.fill("five");
  await expect(dialog.getByText("This must be uint128")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Propose" })).toBeDisabled();
  await reserve.fill("5000000");
  await lookAt(page, "govern-propose", dialog);
  await dialog.getByRole("button", { name: "Propose" }).click();

  const card = page.getByRole("region", { name: "Keep five dollars" });
  await expect(card).toBeVisible({ timeout: 30_000 });
  await card.getByText("Show the calls").click();
  await expect(card.getByText("Reserve target = 5000000")).toBeVisible();
  // The keepers of the network open the vote, queue and carry out; anybody could by the buttons of the card.
  await card.getByRole("button", { name: "Vote for" }).click({ timeout: 90_000 });
  await expect(card.getByRole("progressbar", { name: "For" })).toHaveAttribute("aria-valuenow", "100");
  await expect(card.getByText("Your vote: for")).toBeVisible();
  await expect(card.getByRole("button", { name: "Vote for" })).toHaveCount(0);
  await lookAt(page, "govern-proposal");
  await expect(card.getByText("Executed", { exact: true })).toBeVisible({ timeout: 120_000 });
});

test("the dashboard of incentives has its numbers and its history", async ({ page }) => {
  await page.goto("/govern/incentives");
  await expect(page.getByText("Utilization now (U_actual)")).toBeVisible();
  await lookAt(page, "govern-incentives");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
});
