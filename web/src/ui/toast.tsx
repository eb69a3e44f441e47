// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
}

const STAYS_MS = 6_000;
let list: Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(toasts: Toast[]): void {
  list = toasts;
  for (const listener of listeners) listener();
}

/** Says something that needs no answer, in the place of `instead` if that is still there; the toast's id. */
export function toast(text: string, instead?: number): number {
  const id = next++;
  set([...list.filter((one) => one.id !== instead), { id, text }]);
  setTimeout(() => set(list.filter((one) => one.id !== id)), STAYS_MS);
  return id;
}

export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => list,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((one) => (
        <div key={one.id} className="toast">
          {one.text}
        </div>
      ))}
    </div>
  );
}
