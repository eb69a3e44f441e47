// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

export type Case = Record<string, string> & { proof: `0x${string}`[] };

/** The vectors that Solidity and C++ read too. */
export function vectors(name: string): Case[] {
  const path = new URL(`../../../tests/vectors/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { cases: Case[] }).cases;
}

/** The members `names` of a case as integers. */
export function whole(one: Case, ...names: string[]): bigint[] {
  return names.map((name) => BigInt(one[name] ?? ""));
}
