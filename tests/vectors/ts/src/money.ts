// SPDX-License-Identifier: Apache-2.0
import { UINT64_MAX, type VectorFile } from './common.js';

const MILLION = 1_000_000n;
const BPS = 10_000n;

// Prices are micro-dollars per million tokens; the charge is rounded up.
export function chargeOf(inputUnits: bigint, outputUnits: bigint, priceIn: bigint, priceOut: bigint): bigint {
  return (inputUnits * priceIn + outputUnits * priceOut + MILLION - 1n) / MILLION;
}

// The node's part is rounded down, so the fee is rounded up.
export function nodeShareOf(amount: bigint, feeBps: bigint): bigint {
  return (amount * (BPS - feeBps)) / BPS;
}

export function chargeFile(): VectorFile {
  const samples: [bigint, bigint, bigint, bigint][] = [
    [0n, 0n, 500_000n, 1_500_000n],
    [1n, 0n, 1n, 0n],
    [1_000_000n, 0n, 1n, 0n],
    [1_000_001n, 0n, 1n, 0n],
    [42n, 128n, 500_000n, 1_500_000n],
    [7n, 3n, 0n, 0n],
    [4_000_000_000n, 4_000_000_000n, 4_000_000_000n, 4_000_000_000n],
    // The product needs more than 64 bits although the charge does not.
    [UINT64_MAX, 0n, MILLION, 0n],
  ];
  return {
    description: 'charge = ceil((inputUnits * priceIn + outputUnits * priceOut) / 1000000), in 128 bits',
    cases: samples.map(([inputUnits, outputUnits, priceIn, priceOut]) => ({
      inputUnits: inputUnits.toString(),
      outputUnits: outputUnits.toString(),
      priceIn: priceIn.toString(),
      priceOut: priceOut.toString(),
      charge: chargeOf(inputUnits, outputUnits, priceIn, priceOut).toString(),
    })),
  };
}

export function feeFile(): VectorFile {
  const batches: [bigint[], bigint][] = [
    [[0n], 500n],
    [[1n], 500n],
    [[19n], 500n],
    [[20n], 500n],
    [[1n, 1n, 1n, 1n, 1n], 500n],
    [[2_345n, 10_000n, 3n], 500n],
    [[9_999n, 1n], 1n],
    [[123_456_789_012n, 7n], 3_000n],
    [[5n, 5n], 0n],
  ];
  return {
    description:
      'nodeShares[i] = floor(amounts[i] * (10000 - feeBps) / 10000); fee = totalCharged - totalEarned lies in ' +
      '[minimum, maximum] = [floor(totalCharged * feeBps / 10000), minimum + number of receipts], as Settlement demands',
    cases: batches.map(([amounts, feeBps]) => {
      const shares = amounts.map((amount) => nodeShareOf(amount, feeBps));
      const totalCharged = amounts.reduce((sum, amount) => sum + amount, 0n);
      const totalEarned = shares.reduce((sum, share) => sum + share, 0n);
      const minimum = (totalCharged * feeBps) / BPS;
      return {
        amounts: amounts.map(String),
        feeBps: feeBps.toString(),
        nodeShares: shares.map(String),
        totalCharged: totalCharged.toString(),
        totalEarned: totalEarned.toString(),
        fee: (totalCharged - totalEarned).toString(),
        minimum: minimum.toString(),
        maximum: (minimum + BigInt(amounts.length)).toString(),
      };
    }),
  };
}
