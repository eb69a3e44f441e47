// SPDX-License-Identifier: Apache-2.0
// The trees of the settlement and reward contracts: pairs are hashed in ascending order, leaves are hashed twice.
import { concat, encodeAbiParameters, keccak256 } from "viem";

export type Hex = `0x${string}`;

const WORD = /^0x[0-9a-fA-F]{64}$/;
/** A tree of 2^32 leaves is higher than any that the contracts take. */
export const PROOF_MAX = 32;

/** The parent of two nodes of a tree: they are hashed in ascending order, so that a proof needs no sides. */
export function parent(a: Hex, b: Hex): Hex {
  return keccak256(BigInt(a) <= BigInt(b) ? concat([a, b]) : concat([b, a]));
}

/** The root to which the siblings lead, from the leaf upwards. Throws RangeError for what is no proof. */
export function rootOf(leaf: Hex, proof: readonly Hex[]): Hex {
  if (proof.length > PROOF_MAX) throw new RangeError(`a proof has at most ${PROOF_MAX} hashes`);
  if (![leaf, ...proof].every((word) => WORD.test(word))) throw new RangeError("a hash has 32 bytes");
  return proof.reduce(parent, leaf);
}

/** Every step from the leaf to the root, for people who want to see it. */
export function climb(leaf: Hex, proof: readonly Hex[]): { sibling: Hex; hash: Hex }[] {
  return proof.map((sibling, index) => ({ sibling, hash: rootOf(leaf, proof.slice(0, index + 1)) }));
}

const twice = (data: Hex): Hex => keccak256(keccak256(data));

/** cumulative: millionths of a dollar that the node has ever earned with this scheduler. */
export function earningsLeaf(node: Hex, cumulative: bigint): Hex {
  return twice(encodeAbiParameters([{ type: "address" }, { type: "uint128" }], [node, cumulative]));
}

/** kind: 0 capacity, 1 delivery, 2 rebate; cumulative: base units of VCAI. */
export function rewardLeaf(kind: number, account: Hex, cumulative: bigint): Hex {
  const types = [{ type: "uint8" }, { type: "address" }, { type: "uint256" }] as const;
  return twice(encodeAbiParameters(types, [kind, account, cumulative]));
}
