// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from "react";

/** Who uses the page: a wallet that has signed in, or somebody with an API key. Gone with the tab. */
export interface Session {
  kind: "wallet" | "key";
  token: string;
  address: string | null;
  /** Unix seconds; null: it does not end by itself. */
  expiresAt: number | null;
}

const KEY = "vcity.session";
const listeners = new Set<() => void>();
let current: Session | null = read();

function read(): Session | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Session | null;
    const isOver = kept?.expiresAt != null && kept.expiresAt * 1000 <= Date.now();
    return kept && typeof kept.token === "string" && !isOver ? kept : null;
  } catch {
    return null;
  }
}

function set(session: Session | null): void {
  current = session;
  if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export function keepSession(session: Session): void {
  set(session);
}

export function forgetSession(): void {
  set(null);
}

export function credential(): string | null {
  return current?.token ?? null;
}

export function useSession(): Session | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
