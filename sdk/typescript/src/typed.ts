// SPDX-License-Identifier: Apache-2.0
// The structs that are signed in this network, as EIP-712 types; the contracts hash the same.

export const usageReceiptTypes = {
  UsageReceipt: [
    { name: "jobId", type: "bytes32" },
    { name: "client", type: "address" },
    { name: "node", type: "address" },
    { name: "scheduler", type: "address" },
    { name: "fencingToken", type: "uint64" },
    { name: "inputUnits", type: "uint64" },
    { name: "outputUnits", type: "uint64" },
    { name: "amount", type: "uint128" },
    { name: "quote", type: "uint128" },
    { name: "modelRoot", type: "bytes32" },
    { name: "requestHash", type: "bytes32" },
    { name: "responseHash", type: "bytes32" },
    { name: "verificationRoot", type: "bytes32" },
    { name: "startedAt", type: "uint64" },
    { name: "finishedAt", type: "uint64" },
  ],
} as const;

export const spendingCapTypes = {
  SpendingCap: [
    { name: "client", type: "address" },
    { name: "scheduler", type: "address" },
    { name: "limit", type: "uint128" },
    { name: "expiry", type: "uint64" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** Where signatures are good: one chain, one contract. */
export interface Deployment {
  chainId: number;
  settlement: `0x${string}`;
  escrow: `0x${string}`;
}

const domain = (name: string, deployment: Deployment, verifyingContract: `0x${string}`) =>
  ({ name, version: "1", chainId: deployment.chainId, verifyingContract }) as const;

export const settlementDomain = (deployment: Deployment) =>
  domain("Vcity Settlement", deployment, deployment.settlement);
export const escrowDomain = (deployment: Deployment) => domain("Vcity Escrow", deployment, deployment.escrow);
