// SPDX-License-Identifier: Apache-2.0
import {
  expect,
  expectAccessible,
  expectNoSideScroll,
  installWallet,
  lookAt,
  signInWithKey,
  signInWithWallet,
  test,
} from "./support";

const PAGES = ["/", "/rent", "/jobs", "/operate", "/govern", "/explorer", "/account"];

for (const path of PAGES) {
  test(`a stranger finds ${path} readable, in both themes and languages, and on a phone`, async ({ page }) => {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await lookAt(page, `stranger${path === "/" ? "-playground" : path.replaceAll("/", "-")}`);
    await page.setViewportSize({ width: 360, height: 740 });
    await expect(page.getByRole("navigation")).toBeVisible();
    await expectNoSideScroll(page);
    await expectAccessible(page);
  });
}

test("the keyboard alone reaches the content and every page", async ({ page }) => {
  await page.goto("/jobs");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await expect(skip).toBeAttached();
  await page.keyboard.press("Tab");
  await expect(skip).toBeFocused();
  await page.getByRole("navigation").getByRole("link", { name: "Explorer" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/explorer$/);
  await expect(page.getByRole("navigation").getByRole("link", { name: "Explorer" })).toHaveAttribute(
    "aria-current",
    "page",
  );
});

test("tabs, a dialog and a conversation need no mouse", async ({ page }) => {
  await page.goto("/explorer");
  await page.getByRole("tab", { name: "Overview" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Batches" })).toBeFocused();
  await expect(page.getByRole("tab", { name: "Batches" })).toHaveAttribute("aria-selected", "true");

  const opener = page.getByRole("banner").getByRole("button", { name: "Sign in" });
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  for (let presses = 0; presses < 8; ++presses) await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.closest("main") ?? null), "focus stays inside").toBeNull();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();

  await signInWithKey(page);
  await page.goto("/");
  await page.getByLabel("Longest answer, tokens").fill("8");
  await page.getByLabel("Message").focus();
  await page.keyboard.type("What is free software?");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/^Cost/)).toBeVisible({ timeout: 60_000 });
});

test("language and theme stay as they were chosen", async ({ page }) => {
  await page.goto("/jobs");
  await page.getByRole("button", { name: "中文" }).click();
  await page.getByRole("button", { name: "深色主题" }).click();
  await page.reload();
  await expect(page.getByRole("heading", { name: "任务", level: 1 })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
});

test("a path that nobody knows says so and leads back", async ({ page }) => {
  await page.goto("/nowhere/at/all");
  await page.getByRole("main").getByRole("link", { name: "To the playground" }).click();
  await expect(page).toHaveURL(/\/$/);
});

test("the answer of the page keeps it to its own scripts", async ({ request }) => {
  const headers = (await request.get("/jobs")).headers();
  expect(headers["content-security-policy"]).toContain("script-src 'self'");
  expect(headers["content-security-policy"]).not.toContain("unsafe-eval");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect((await request.get("/..%2f..%2fetc/passwd")).headers()["content-type"]).not.toBe("text/plain");
});

test("a wallet signs in and out, and what it refuses is told", async ({ page }) => {
  const address = await installWallet(page);
  await page.goto("/jobs");
  await signInWithWallet(page);
  await expect(page.getByRole("banner").getByTitle(address)).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("banner").getByRole("button", { name: "Sign in" })).toBeVisible();
});
