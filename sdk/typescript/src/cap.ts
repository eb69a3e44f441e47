// SPDX-License-Identifier: Apache-2.0
import type { Hex } from "./merkle.js";
import { type Deployment, escrowDomain, spendingCapTypes } from "./typed.js";

/** The most that a client lets one scheduler charge, until then. `limit` in millionths of a dollar. */
export interface SpendingCap {
  client: Hex;
  scheduler: Hex;
  limit: bigint;
  /** Unix seconds. */
  expiry: bigint;
  nonce: bigint;
}

/** What a wallet signs with eth_signTypedData_v4, and viem with signTypedData. */
export function spendingCapTypedData(cap: SpendingCap, deployment: Deployment) {
  return {
    domain: escrowDomain(deployment),
    types: spendingCapTypes,
    primaryType: "SpendingCap",
    message: cap,
  } as const;
}
