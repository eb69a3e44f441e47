// SPDX-License-Identifier: Apache-2.0
import { type Address, type Hex, concat, encodeAbiParameters, keccak256, pad, toHex } from 'viem';
import { UINT128_MAX, type VectorFile, addressOf, keys, type KeyName } from './common.js';

const doubleHash = (data: Hex): Hex => keccak256(keccak256(data));

export function receiptLeaf(receiptHash: Hex, nodeSignature: Hex, schedulerSignature: Hex): Hex {
  return doubleHash(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }],
      [receiptHash, keccak256(nodeSignature), keccak256(schedulerSignature)],
    ),
  );
}

export function earningsLeaf(node: Address, cumulative: bigint): Hex {
  return doubleHash(encodeAbiParameters([{ type: 'address' }, { type: 'uint128' }], [node, cumulative]));
}

const parent = (a: Hex, b: Hex): Hex => keccak256(BigInt(a) < BigInt(b) ? concat([a, b]) : concat([b, a]));

// All layers, leaves first. An odd last node moves up unchanged.
export function layersOf(leaves: readonly Hex[]): Hex[][] {
  const layers: Hex[][] = [[...leaves]];
  for (let layer = layers[0]!; layer.length > 1; layer = layers[layers.length - 1]!) {
    const next: Hex[] = [];
    for (let i = 0; i < layer.length; i += 2) {
      next.push(i + 1 < layer.length ? parent(layer[i]!, layer[i + 1]!) : layer[i]!);
    }
    layers.push(next);
  }
  return layers;
}

export function rootOf(leaves: readonly Hex[]): Hex {
  if (leaves.length === 0) return pad('0x', { size: 32 });
  return layersOf(leaves).at(-1)![0]!;
}

export function proofOf(leaves: readonly Hex[], index: number): Hex[] {
  const proof: Hex[] = [];
  let position = index;
  for (const layer of layersOf(leaves)) {
    const sibling = layer[position ^ 1];
    if (layer.length > 1 && sibling !== undefined) proof.push(sibling);
    position >>= 1;
  }
  return proof;
}

export function rootFromProof(leaf: Hex, proof: readonly Hex[]): Hex {
  return proof.reduce(parent, leaf);
}

export const numberedLeaf = (index: number): Hex => keccak256(toHex(BigInt(index), { size: 32 }));
const numberedLeaves = (count: number) => Array.from({ length: count }, (_, i) => numberedLeaf(i));

const counts = [0, 1, 2, 3, 5, 8, 1000];

export function merkleRootFile(): VectorFile {
  return {
    description: 'Merkle roots of `count` leaves, where leaf i = keccak256(i as 32 bytes big-endian)',
    cases: counts.map((count) => ({ count: count.toString(), root: rootOf(numberedLeaves(count)) })),
  };
}

export function merkleProofFile(): VectorFile {
  const indexes = (count: number) => (count <= 8 ? numberedLeaves(count).keys() : [0, 1, 511, 512, 991, 998, 999]);
  const cases = counts.flatMap((count) => {
    const leaves = numberedLeaves(count);
    return [...indexes(count)].map((index) => ({
      count: count.toString(),
      index: index.toString(),
      root: rootOf(leaves),
      leaf: leaves[index]!,
      proof: proofOf(leaves, index),
    }));
  });
  return { description: 'Merkle proofs in the trees of merkle_roots.json, siblings from the leaf upwards', cases };
}

const earners: [KeyName, bigint][] = [
  ['node', 1_234_567n],
  ['verifier', 0n],
  ['client', UINT128_MAX],
  ['gateway', 1n],
  ['deployer', 999_999_999_999n],
];

export function earningsFile(): VectorFile {
  const leaves = earners.map(([name, cumulative]) => earningsLeaf(addressOf(name), cumulative));
  return {
    description: 'Earnings leaves (node, cumulative) and their proofs in the one tree of all these cases in order',
    cases: earners.map(([name, cumulative], index) => ({
      node: addressOf(name),
      cumulative: cumulative.toString(),
      leaf: leaves[index]!,
      index: index.toString(),
      root: rootOf(leaves),
      proof: proofOf(leaves, index),
    })),
  };
}

export function receiptLeafFile(): VectorFile {
  const samples: [Hex, Hex, Hex][] = [
    [keccak256('0x01'), toHex(new Uint8Array(65).fill(1)), toHex(new Uint8Array(65).fill(2))],
    [keccak256('0x02'), toHex(new Uint8Array(65).fill(2)), toHex(new Uint8Array(65).fill(1))],
    [keccak256('0x03'), '0x', keys.node],
  ];
  return {
    description: 'Leaves of the receipts tree from a receipt hash and two signatures (here arbitrary bytes)',
    cases: samples.map(([receiptHash, nodeSignature, schedulerSignature]) => ({
      receiptHash,
      nodeSignature,
      schedulerSignature,
      leaf: receiptLeaf(receiptHash, nodeSignature, schedulerSignature),
    })),
  };
}
