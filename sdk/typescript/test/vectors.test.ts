// SPDX-License-Identifier: Apache-2.0
// The same vectors hold in C++ and in the contracts.
import { readFileSync } from "node:fs";
import { hashTypedData } from "viem";
import { expect, test } from "vitest";
import {
  checkReceipt,
  type Hex,
  parent,
  receiptDigest,
  receiptHash,
  receiptLeaf,
  rootOf,
  spendingCapTypedData,
  type UsageReceipt,
} from "../src";

interface Vectors {
  cases: Record<string, never>[];
}
const vectors = (name: string): Record<string, string & string[]>[] =>
  (JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8")) as Vectors).cases;
const addresses = vectors("addresses");

const WHOLE = ["fencingToken", "inputUnits", "outputUnits", "amount", "quote", "startedAt", "finishedAt"];

function receiptOf(row: Record<string, string>): UsageReceipt {
  const names = ["jobId", "client", "node", "scheduler", "modelRoot", "requestHash", "responseHash", "verificationRoot"];
  const texts = names.map((name) => [name, row[name]]);
  const numbers = WHOLE.map((name) => [name, BigInt(row[name] as string)]);
  return Object.fromEntries([...texts, ...numbers]) as unknown as UsageReceipt;
}

test("there are vectors", () => {
  expect(addresses.length).toBeGreaterThan(0);
});

test("Merkle proofs lead to their roots", () => {
  for (const row of vectors("merkle_proofs")) {
    expect(rootOf(row.leaf as unknown as Hex, row.proof as unknown as Hex[])).toBe(row.root);
  }
  expect(parent("0x02", "0x01")).toBe(parent("0x01", "0x02"));
});

test("leaves of the receipts tree", () => {
  for (const row of vectors("receipt_leaves")) {
    const leaf = receiptLeaf(row.receiptHash as Hex, row.nodeSignature as Hex, row.schedulerSignature as Hex);
    expect(leaf).toBe(row.leaf);
  }
});

function deploymentOf(row: Record<string, string>) {
  return {
    chainId: Number(row.chainId ?? "31337"),
    settlement: (row.verifyingContract ?? row.settlement) as Hex,
    escrow: (row.verifyingContract ?? row.escrow) as Hex,
  };
}

test("hashes, digests and signatures of receipts; a changed field breaks them", async () => {
  const file = JSON.parse(readFileSync(new URL("../../../tests/vectors/usage_receipts.json", import.meta.url), "utf8"));
  for (const row of file.cases) {
    const receipt = receiptOf(row);
    expect(receiptHash(receipt)).toBe(row.structHash);
    const deployment = deploymentOf({ ...file, ...row });
    expect(receiptDigest(receipt, deployment)).toBe(row.digest);
    const signed = { receipt, nodeSignature: row.nodeSignature, schedulerSignature: row.schedulerSignature };
    const batch = { proof: [], root: row.leaf as Hex };
    const checks = await checkReceipt({ signed, deployment, claimedHash: row.structHash, batch });
    const byName = Object.fromEntries(checks.map((check) => [check.name, check.holds]));
    expect(byName.hash).toBe(true);
    expect(byName.in_batch).toBe(true);
    if (row.name !== "typical") continue;
    for (const name of [...WHOLE, "node"] as (keyof UsageReceipt)[]) {
      const before = receipt[name];
      const changed = typeof before === "bigint" ? (before === 0n ? 1n : before - 1n) : receipt.scheduler;
      const other = { ...signed, receipt: { ...receipt, [name]: changed } };
      const again = await checkReceipt({ signed: other, deployment, claimedHash: row.structHash, batch });
      expect(again.filter((check) => !check.holds).length, name).toBeGreaterThan(0);
    }
  }
});

test("spending caps", () => {
  for (const row of vectors("spending_caps")) {
    const whole = Object.fromEntries(["limit", "expiry", "nonce"].map((name) => [name, BigInt(row[name] as string)]));
    const cap = { client: row.client, scheduler: row.scheduler, ...whole } as never;
    expect(hashTypedData(spendingCapTypedData(cap, deploymentOf(row)))).toBe(row.digest);
  }
});
