// SPDX-License-Identifier: Apache-2.0
import { getJson, postJson } from "../../lib/api";
import type { Hex } from "../../lib/chain";
import { parseUsd } from "../../lib/money";
import type { Wallet } from "../../lib/wallet";

export interface AccountInfo {
  address: Hex;
  balance: { available: string; locked: string; deposited: string; charged: string; withdrawn: string } | null;
  reserved: string;
  spending: Record<string, string>;
  keys: number;
}

export interface KeyInfo {
  id: string;
  name: string;
  last4: string;
  created_at: number;
  last_used_at: number | null;
  expires_at: number;
  enabled: boolean;
  revoked: boolean;
  scopes: string[];
  budgets: { window: string; usd: string; spent: string; resets_at: number }[];
  spending: Record<string, string>;
  cap: { limit: string; expiry: number };
}

interface CapTerms {
  domain: Record<string, unknown>;
  types: Record<string, { name: string; type: string }[]>;
  primaryType: string;
  message: { client: Hex; scheduler: Hex; nonce: string };
  expiry_max: number;
}

export interface NewKey {
  name: string;
  limitUsd: string;
  dailyUsd: string;
  days: number;
}

export const listKeys = () => getJson<{ data: KeyInfo[] }>("/api/v1/keys", { query: { limit: 200 } });

/** "30d" or "5h" as a count and its unit. */
export function windowOf(window: string): [number, "d" | "h"] {
  return [Number.parseInt(window, 10) || 1, window.endsWith("h") ? "h" : "d"];
}

/** EIP-712 as eth_signTypedData_v4 wants it, with the type of the domain. */
export function typedCap(terms: CapTerms, limit: string, expiry: number): string {
  const EIP712Domain = [
    { name: "name", type: "string" },
    { name: "version", type: "string" },
    { name: "chainId", type: "uint256" },
    { name: "verifyingContract", type: "address" },
  ];
  return JSON.stringify({
    domain: terms.domain,
    types: { EIP712Domain, ...terms.types },
    primaryType: terms.primaryType,
    message: { ...terms.message, limit, expiry: String(expiry) },
  });
}

/** The wallet signs the cap; the gateway makes a key on it and shows the secret once. */
export async function makeKey(wallet: Wallet, wanted: NewKey, now: number): Promise<KeyInfo & { key: string }> {
  const limit = (parseUsd(wanted.limitUsd) ?? 0n).toString();
  const terms = await getJson<CapTerms>("/api/v1/cap/terms");
  const expiry = Math.min(now + wanted.days * 86_400, terms.expiry_max);
  const cap_signature = await wallet.provider.request({
    method: "eth_signTypedData_v4",
    params: [terms.message.client, typedCap(terms, limit, expiry)],
  });
  const budgets = wanted.dailyUsd.trim() ? [{ window: "1d", usd: wanted.dailyUsd.trim() }] : [];
  return postJson("/api/v1/keys", {
    name: wanted.name.trim(),
    cap: { ...terms.message, limit, expiry },
    cap_signature,
    scopes: ["inference", "rent", "billing:read"],
    budgets,
    expires_at: expiry,
  });
}

/** RFC 4180; a cell that a table program could take for a formula gets an apostrophe in front. */
export function csv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
