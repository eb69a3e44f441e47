// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from "react";

export type Language = "en" | "zh";

// A text, or one with parts to be filled in.
type Entry = string | ((...parts: never[]) => string);
type SameShape<T> = { [K in keyof T]: T[K] extends string ? string : T[K] };
export type Texts<T> = { en: T; zh: SameShape<T> };

/** The texts of one page or component in both languages; a missing one does not compile. */
export function texts<const T extends Record<string, Entry>>(en: T, zh: SameShape<T>): Texts<SameShape<T>> {
  return { en: en as SameShape<T>, zh: zh as SameShape<SameShape<T>> };
}

const KEY = "vcity.language";
const listeners = new Set<() => void>();

function initial(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

let current: Language = initial();
document.documentElement.lang = current === "zh" ? "zh-CN" : "en";

export function setLanguage(language: Language): void {
  current = language;
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, () => current);
}

export function useTexts<T>(all: Texts<T>): T {
  return all[useLanguage()] as T;
}

/** For code outside of components, e.g. errors. */
export function textsNow<T>(all: Texts<T>): T {
  return all[current] as T;
}

export const locale = (language: Language) => (language === "zh" ? "zh-CN" : "en-GB");

export function formatDate(unixSeconds: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "medium", timeStyle: "short" }).format(
    unixSeconds * 1000,
  );
}

export function formatDay(unixSeconds: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "medium" }).format(unixSeconds * 1000);
}

export function formatNumber(value: number | bigint, language: Language, digits = 0): string {
  return new Intl.NumberFormat(locale(language), { maximumFractionDigits: digits }).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 minutes ago"; negative seconds are in the past. */
export function formatAgo(seconds: number, language: Language): string {
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale(language), { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}
