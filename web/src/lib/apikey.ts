// SPDX-License-Identifier: Apache-2.0
// Models, files and fine-tuning are used with an API key. Whoever signed in with a wallet has one kept beside the
// session, for this tab.
import { useSyncExternalStore } from "react";
import { useSession } from "./session";

const KEY = "vcity.api-key";
const listeners = new Set<() => void>();
let kept: string | null = sessionStorage.getItem(KEY);

export function keepApiKey(key: string | null): void {
  kept = key;
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What to send as the token; null: nobody is signed in, or a wallet without a key. */
export function useApiKey(): string | null {
  const session = useSession();
  const own = useSyncExternalStore(subscribe, () => kept);
  if (session?.kind === "key") return session.token;
  return session ? own : null;
}
