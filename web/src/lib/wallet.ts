// SPDX-License-Identifier: Apache-2.0
// Wallets of the browser: found by EIP-6963, spoken to by EIP-1193. Signing in is EIP-4361.
import { useSyncExternalStore } from "react";
import { getJson, postJson } from "./api";
import { keepSession } from "./session";

export interface Provider {
  request(call: { method: string; params?: unknown[] | object }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
}

export interface WalletInfo {
  uuid: string;
  name: string;
  icon: string;
  rdns: string;
}

export interface Wallet {
  info: WalletInfo;
  provider: Provider;
}

const found = new Map<string, Wallet>();
const listeners = new Set<() => void>();
let list: Wallet[] = [];

function isWallet(value: unknown): value is Wallet {
  const wallet = value as Partial<Wallet> | null;
  return (
    typeof wallet?.info?.uuid === "string" &&
    typeof wallet.info.name === "string" &&
    typeof wallet.provider?.request === "function"
  );
}

// The first with a uuid stays: the same again is an imitation.
window.addEventListener("eip6963:announceProvider", (event) => {
  const wallet = (event as CustomEvent<unknown>).detail;
  if (!isWallet(wallet) || found.has(wallet.info.uuid)) return;
  found.set(wallet.info.uuid, wallet);
  list = [...found.values()];
  for (const listener of listeners) listener();
});
window.dispatchEvent(new Event("eip6963:requestProvider"));

export function useWallets(): Wallet[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => list,
  );
}

const CHOSEN = "vcity.wallet";

/** The wallet that was signed in with, while this tab lives. */
export function chosenWallet(): Wallet | null {
  const rdns = sessionStorage.getItem(CHOSEN);
  return list.find((wallet) => wallet.info.rdns === rdns) ?? null;
}

/** An EIP-1193 error as a reason to show. */
export function walletReason(failure: unknown): string {
  const error = failure as { code?: number; message?: string };
  return error.message ?? String(failure);
}

export function wasRejected(failure: unknown): boolean {
  return (failure as { code?: number }).code === 4001;
}

export async function accountOf(wallet: Wallet): Promise<`0x${string}`> {
  const accounts = (await wallet.provider.request({ method: "eth_requestAccounts" })) as string[];
  const first = accounts[0];
  if (!first || !/^0x[0-9a-fA-F]{40}$/.test(first)) throw new Error("the wallet gave no account");
  const { getAddress } = await import("viem");
  return getAddress(first);
}

interface Nonce {
  nonce: string;
  expires_at: number;
  domain: string;
  uri: string;
  chain_id: number;
  statement?: string;
}

/** EIP-4361: the message that the wallet shows and signs. */
export async function signInMessage(address: `0x${string}`, ask: Nonce, now: Date): Promise<string> {
  const { createSiweMessage } = await import("viem/siwe");
  return createSiweMessage({
    address,
    chainId: ask.chain_id,
    domain: ask.domain,
    nonce: ask.nonce,
    uri: ask.uri,
    version: "1",
    issuedAt: now,
    expirationTime: new Date(ask.expires_at * 1000),
    ...(ask.statement ? { statement: ask.statement } : {}),
  });
}

export async function signIn(wallet: Wallet): Promise<void> {
  const address = await accountOf(wallet);
  const ask = await getJson<Nonce>("/api/v1/siwe/nonce", { token: null });
  const message = await signInMessage(address, ask, new Date());
  const { stringToHex } = await import("viem");
  const signature = await wallet.provider.request({
    method: "personal_sign",
    params: [stringToHex(message), address],
  });
  const opened = await postJson<{ token: string; address: string; expires_at: number }>(
    "/api/v1/siwe/sessions",
    { message, signature },
    { token: null },
  );
  sessionStorage.setItem(CHOSEN, wallet.info.rdns);
  keepSession({ kind: "wallet", token: opened.token, address: opened.address, expiresAt: opened.expires_at });
}
