// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  decayCurve,
  endWeeks,
  lockStrength,
  lockWeight,
  nextSupplyShare,
  squareRoot,
  utilization,
  WEEK,
} from "../src/index.js";
import { vectors, whole } from "./vectors.js";

const at = (values: bigint[]) => values as [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

describe("locks", () => {
  it("have the strength that the chain computes", () => {
    for (const one of vectors("economy/lock_strengths")) {
      const [amount, linearBelow, strength] = at(whole(one, "amount", "linearBelow", "strength"));
      expect(lockStrength(amount, linearBelow)).toBe(strength);
    }
  });

  it("weigh what the chain says, to the last unit", () => {
    for (const one of vectors("economy/lock_weights")) {
      const [strength, endWeek, now, weight] = at(whole(one, "strength", "endWeek", "now", "weight"));
      expect(lockWeight(strength, endWeek, now)).toBe(weight);
    }
  });

  it("decay over their lives as the chain says", () => {
    for (const one of vectors("economy/lock_lives")) {
      const [amount, below, weeks, elapsed, weight] = at(
        whole(one, "amount", "linearBelow", "weeks", "elapsed", "weight"),
      );
      expect(lockWeight(lockStrength(amount, below), weeks, elapsed)).toBe(weight);
    }
  });

  it("draw a curve that only falls and ends at nothing", () => {
    const curve = decayCurve(10n ** 21n, 105n, 3n * WEEK + 17n);
    expect(curve.length).toBe(53);
    expect(curve.every((point, index) => index === 0 || point.weight <= (curve[index - 1]?.weight ?? 0n))).toBe(true);
    expect(curve.at(-1)?.weight).toBe(0n);
    expect(decayCurve(1n, 3n, 3n * WEEK)).toEqual([]);
  });

  it("end between the next week and four years on, never before they ended", () => {
    expect(endWeeks(5n * WEEK + 1n)).toEqual({ first: 6n, last: 213n });
    expect(endWeeks(5n * WEEK, 20n)).toEqual({ first: 20n, last: 213n });
  });
});

it("square roots are floors", () => {
  for (let value = 0n; value < 2_000n; ++value) {
    const root = squareRoot(value);
    expect(root * root <= value && (root + 1n) * (root + 1n) > value).toBe(true);
  }
  expect(() => squareRoot(-1n)).toThrow(RangeError);
});

it("the supply share moves as the chain moves it", () => {
  for (const one of vectors("economy/supply_shares")) {
    const names = ["previous", "consumed", "available", "gain", "target", "utilization", "next"];
    const [previous, consumed, available, gain, target, used, next] = at(whole(one, ...names));
    expect(utilization(consumed, available)).toBe(used);
    expect(nextSupplyShare(previous, used, gain, target)).toBe(next);
  }
});
