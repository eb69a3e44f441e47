// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { climb, earningsLeaf, type Hex, readReceipt, rewardLeaf, rootOf, signerOf } from "../src/index.js";
import { type Case, vectors } from "./vectors.js";

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

it("receipts are refused with the field's name when they are none", () => {
  const typical = vectors("usage_receipts")[0] as Case;
  const wire = Object.fromEntries(Object.entries(typical).map(([name, value]) => [snake(name), value]));
  expect(readReceipt(wire).receipt.amount).toBe(2_345n);
  expect(() => readReceipt({ ...wire, amount: -1 })).toThrow("receipt.amount");
  expect(() => readReceipt({ ...wire, amount: "1e3" })).toThrow("receipt.amount");
  expect(() => readReceipt({ ...wire, node: "0x12" })).toThrow("receipt.node");
  expect(() => readReceipt({ ...wire, job_id: "<b>" })).toThrow("receipt.job_id");
});

it("signatures recover as the contracts do", async () => {
  for (const one of vectors("signatures")) {
    const signer = await signerOf(one.digest as Hex, one.signature as Hex);
    expect(signer?.toLowerCase() === one.signer?.toLowerCase()).toBe(Boolean(one.valid));
  }
});

describe("trees", () => {
  it("take every proof and no altered one", () => {
    for (const one of vectors("merkle_proofs")) {
      const [leaf, root] = [one.leaf as Hex, one.root as Hex];
      expect(climb(leaf, one.proof).at(-1)?.hash ?? leaf).toBe(root);
      if (one.proof.length > 0) expect(rootOf(leaf, one.proof.slice(1))).not.toBe(root);
    }
    expect(() => rootOf("0x12", [])).toThrow(RangeError);
    expect(() => rootOf(`0x${"00".repeat(32)}`, Array(33).fill(`0x${"00".repeat(32)}`))).toThrow(RangeError);
  });

  it("have the leaves of earnings and rewards", () => {
    for (const one of vectors("earnings")) {
      expect(rootOf(earningsLeaf(one.node as Hex, BigInt(one.cumulative ?? "")), one.proof)).toBe(one.root);
    }
    for (const one of vectors("economy/reward_leaves")) {
      const leaf = rewardLeaf(Number(one.kind), one.account as Hex, BigInt(one.cumulative ?? ""));
      expect(rootOf(leaf, one.proof)).toBe(one.root);
    }
  });
});
