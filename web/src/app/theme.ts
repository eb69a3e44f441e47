// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const KEY = "vcity.theme";
const system = window.matchMedia?.("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function wanted(): Theme {
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") return kept;
  return system?.matches ? "dark" : "light";
}

let current: Theme = wanted();

function show(): void {
  current = wanted();
  document.documentElement.dataset.theme = current;
  for (const listener of listeners) listener();
}
system?.addEventListener("change", show);
show();

export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  show();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
