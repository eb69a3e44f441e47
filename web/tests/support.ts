// SPDX-License-Identifier: Apache-2.0
// What the journeys share: a signed-in visitor, a wallet of the development network, the check for accessibility, and
// the screenshots of the documentation.
import { createDecipheriv, pbkdf2Sync, scryptSync } from "node:crypto";
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page, test as playwright } from "@playwright/test";
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set; tests/e2e/test_web.py does`);
  return value;
}

/** A page that fails its test when the browser reports an error: a script that threw, or content that was blocked. */
export const test = playwright.extend({
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      // Answers that are no success, and a shell whose pod has just ended; what the page says of them is checked.
      const isOfResource = /^(Failed to load resource|WebSocket connection to)/.test(message.text());
      if (message.type() === "error" && !isOfResource) errors.push(message.text());
    });
    await use(page);
    expect(errors, "errors of the page").toEqual([]);
  },
});

export { expect };

export async function signInWithKey(page: Page): Promise<void> {
  const token = required("VCITY_API_KEY");
  await page.addInitScript((key) => {
    const session = { kind: "key", token: key, address: null, expiresAt: null };
    sessionStorage.setItem("vcity.session", JSON.stringify(session));
  }, token);
}

interface Call {
  method: string;
  params?: unknown[];
}

interface Keystore {
  crypto: {
    cipherparams: { iv: string };
    ciphertext: string;
    kdf: string;
    kdfparams: { n?: number; r?: number; p?: number; c?: number; dklen: number; salt: string };
  };
}

/** The key in the keystore file (Web3 secret storage, version 3) of a client of the development network. */
function keyOfClient(): `0x${string}` {
  const { crypto } = JSON.parse(readFileSync(required("VCITY_KEYSTORE"), "utf8")) as Keystore;
  const password = readFileSync(required("VCITY_KEYSTORE_PASSWORD"), "utf8").trim();
  const { n = 0, r = 0, p = 0, c = 0, dklen } = crypto.kdfparams;
  const salt = Buffer.from(crypto.kdfparams.salt, "hex");
  const key =
    crypto.kdf === "scrypt"
      ? scryptSync(password, salt, dklen, { N: n, r, p, maxmem: 256 * n * r })
      : pbkdf2Sync(password, salt, c, dklen, "sha256");
  const decipher = createDecipheriv("aes-128-ctr", key.subarray(0, 16), Buffer.from(crypto.cipherparams.iv, "hex"));
  const secret = Buffer.concat([decipher.update(Buffer.from(crypto.ciphertext, "hex")), decipher.final()]);
  return `0x${secret.toString("hex")}`;
}

/** Of an identity of the development network. */
export function addressOf(name: string): string {
  const file = `${required("VCITY_DEVNET")}/keys/${name}.json`;
  return `0x${(JSON.parse(readFileSync(file, "utf8")) as { address: string }).address.replace(/^0x/, "")}`;
}

const NONCE_TRIES = 5;

/** Two browsers may send from the same account at once; whoever comes second takes the next number. */
async function oneAfterAnother<T>(send: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; ++tried) {
    try {
      return await send();
    } catch (failure) {
      if (tried === NONCE_TRIES || !/nonce|underpriced/i.test(String(failure))) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Announces a wallet by EIP-6963 with the key of the network's client, which sends to VCITY_RPC; of tests only. */
export async function installWallet(page: Page, name = "Test wallet"): Promise<string> {
  const account = privateKeyToAccount(keyOfClient());
  const rpc = required("VCITY_RPC");
  const client = createWalletClient({ account, transport: http(rpc) });
  const answer = async ({ method, params = [] }: Call): Promise<unknown> => {
    if (method === "eth_requestAccounts" || method === "eth_accounts") return [account.address];
    if (method === "personal_sign") return account.signMessage({ message: { raw: params[0] as `0x${string}` } });
    if (method === "eth_signTypedData_v4") return account.signTypedData(JSON.parse(params[1] as string));
    if (method === "eth_sendTransaction") {
      const { to, data, value } = params[0] as { to: `0x${string}`; data?: `0x${string}`; value?: string };
      const transaction = { chain: null, to, data: data ?? "0x", value: BigInt(value ?? 0) } as const;
      return oneAfterAnother(() => client.sendTransaction(transaction));
    }
    return client.request({ method, params } as never);
  };
  await page.exposeFunction("vcityTestWallet", answer);
  await page.addInitScript((label) => {
    const request = (call: Call) =>
      (window as unknown as { vcityTestWallet(call: Call): Promise<unknown> }).vcityTestWallet(call);
    const info = { uuid: "7a1f0d5e-3b52-4a55-9a44-0d3a5a1c6f10", name: label, icon: "", rdns: "test.vcity.wallet" };
    const detail = Object.freeze({ info, provider: { request, on: () => undefined, removeListener: () => undefined } });
    const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
    window.addEventListener("eip6963:requestProvider", announce);
    announce();
  }, name);
  return account.address;
}

/** Signs in with the wallet that installWallet() announced. */
export async function signInWithWallet(page: Page, name = "Test wallet"): Promise<void> {
  await page.getByRole("banner").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
}

/** No violation that axe calls serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  expect(told).toEqual([]);
}

/** Nothing sticks out at the side. */
export async function expectNoSideScroll(page: Page): Promise<void> {
  const excess = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  // A chart follows the width of the window a frame later.
  await expect.poll(excess, { timeout: 5_000 }).toBeLessThanOrEqual(0);
}

const LOOKS = [
  { language: "en", theme: "light", isChecked: true },
  { language: "en", theme: "dark", isChecked: false },
  { language: "zh", theme: "light", isChecked: false },
  { language: "zh", theme: "dark", isChecked: true },
] as const;

async function show(page: Page, language: "en" | "zh", theme: "light" | "dark"): Promise<void> {
  // By a click of the page itself: a dialog may lie over the switches.
  const press = (name: string) =>
    page.locator(`header.bar > button[${name}]`).evaluate((it: HTMLElement) => it.click());
  if ((await page.evaluate(() => document.documentElement.dataset.theme)) !== theme) await press("aria-label");
  if (!(await page.evaluate(() => document.documentElement.lang)).startsWith(language)) await press("lang");
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.mouse.move(0, 0);
  await page.waitForTimeout(200);
}

/**
 * The page as it is now in both languages and both themes: English in light and Chinese in dark are checked for
 * accessibility, and pictures of all four go to VCITY_SCREENSHOTS when it is set, with `part` in sight. Ends in English
 * and light.
 */
export async function lookAt(page: Page, name: string, part?: Locator): Promise<void> {
  const folder = process.env.VCITY_SCREENSHOTS;
  for (const { language, theme, isChecked } of LOOKS) {
    if (!isChecked && !folder) continue;
    await show(page, language, theme);
    if (isChecked) await expectAccessible(page);
    await part?.scrollIntoViewIfNeeded();
    if (folder) await page.screenshot({ path: `${folder}/${name}-${language}-${theme}.png` });
  }
  await show(page, "en", "light");
}

/** How long a newcomer needed until now; what the journeys print is in docs/results. */
export function timed(what: string, began: number): void {
  console.log(`${what} after ${((Date.now() - began) / 1_000).toFixed(1)} s`);
}
