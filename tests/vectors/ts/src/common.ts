// SPDX-License-Identifier: Apache-2.0
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

// A vector file: every value is a string (hex with 0x, integers in decimal), a boolean, or an array of those.
export type Value = string | boolean | Value[];
export type Case = Record<string, Value>;
export interface VectorFile {
  description: string;
  cases: Case[];
}

// The first keys of the mnemonic "test test test test test test test test test test test junk", known to every Ethereum
// development chain. They hold nothing of value anywhere.
export const keys = {
  deployer: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  client: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  node: '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  scheduler: '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
  verifier: '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a',
  gateway: '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba',
} as const satisfies Record<string, Hex>;

export type KeyName = keyof typeof keys;

export const account = (name: KeyName) => privateKeyToAccount(keys[name]);
export const addressOf = (name: KeyName) => account(name).address;

export const UINT64_MAX = 2n ** 64n - 1n;
export const UINT128_MAX = 2n ** 128n - 1n;
export const UINT256_MAX = 2n ** 256n - 1n;

// The form in which a value of a call or struct stands in a vector file.
export function plain(value: unknown): Value {
  if (typeof value === 'bigint' || typeof value === 'number') return value.toString();
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plain);
  throw new TypeError(`no vector form for ${typeof value}`);
}

export function plainFields(fields: object): Case {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
}
