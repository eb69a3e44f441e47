// SPDX-License-Identifier: Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { getJson } from "../../lib/api";
import type { Hex, Listed } from "../../lib/chain";

export interface Totals {
  block?: number;
  batches?: number;
  receipts?: number;
  charged?: number;
  paid?: number;
  fees?: number;
  nodes?: number;
  slashed?: string;
  units_consumed?: number;
  units_available?: number;
  conservation: Record<string, number | string | boolean> & { holds: boolean };
}

export interface ChainBatch {
  scheduler: Hex;
  index: number;
  receipts_root: Hex;
  earnings_root: Hex;
  receipt_count: number;
  total_charged: number;
  total_earned: number;
  fee: number;
  units_consumed: number;
  units_available: number;
  block: number;
  transaction: Hex;
}

export interface NodeRecord {
  address: Hex;
  role?: string;
  kind?: string;
  gpu_model?: string;
  gpu_count?: number;
  vram_mib?: number;
  region?: string;
  stake: string;
  slashed?: string;
  claimed?: number;
}

export type EventRecord = Record<string, unknown> & {
  kind: string;
  block: number;
  transaction: Hex;
  log_index: number;
};

export interface CaseRecord {
  id: number;
  state?: string;
  accused?: Hex;
  accuser?: Hex;
  victim?: Hex;
  steps: { event: string; values: Record<string, string>; block: number; transaction: Hex }[];
}

/** One list of the explorer, asked again every few seconds. */
export function useList<T>(name: string, query: Record<string, string | number | undefined> = {}) {
  return useQuery({
    queryKey: ["explorer", name, query],
    queryFn: () => getJson<Listed<T>>(`/api/v1/${name}`, { query, token: null }),
    refetchInterval: 5_000,
  });
}

export function useTotals() {
  return useQuery({
    queryKey: ["explorer", "totals"],
    queryFn: () => getJson<Totals>("/api/v1/totals", { token: null }),
    refetchInterval: 5_000,
  });
}

const ROLES = ["compute", "scheduler", "verifier"] as const;
type Roles = Record<`role_${(typeof ROLES)[number]}`, string>;

/** What an identity does, in the words of the page. */
export function roleText(role: string | undefined, t: Roles): string {
  const known = ROLES.find((one) => one === role);
  return known ? t[`role_${known}`] : (role ?? "–");
}

/** Whole millionths of a dollar, as the explorer counts. */
export function micro(value: number | string | boolean | undefined): bigint {
  return typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? BigInt(value) : 0n;
}

/** A share of two counts as per cent; null when there is nothing to divide by. */
export function percent(part: number, whole: number): string | null {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : null;
}
