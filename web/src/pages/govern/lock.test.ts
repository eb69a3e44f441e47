// SPDX-License-Identifier: Apache-2.0
import { LOCK_MIN, WEEK } from "@vcity/sdk";
import { describe, expect, it } from "vitest";
import { simulate } from "./lock";

const held = {
  amount: 100n * LOCK_MIN,
  strength: 10n * LOCK_MIN,
  endWeek: 60n,
  weight: 1n,
  claimable: 0n,
  totalWeight: 1_000n * LOCK_MIN,
  totalLocked: 0n,
  streamLeft: 0n,
  streamEnds: 0n,
  origin: 1_000n,
  linearBelow: LOCK_MIN,
  balance: 0n,
  now: 1_000n + 10n * WEEK,
};

describe("the lock simulator", () => {
  it("never ends a lock earlier than it ended", () => {
    expect(simulate(held, 0n, 1n, 0n).endWeek).toBe(60n);
    expect(simulate(held, 0n, 100n, 0n).endWeek).toBe(110n);
    expect(simulate(held, 0n, 999n, 0n).endWeek).toBe(218n);
  });

  it("adds to what is locked, and starts anew after the end", () => {
    expect(simulate(held, LOCK_MIN, 52n, 0n).amount).toBe(101n * LOCK_MIN);
    expect(simulate({ ...held, endWeek: 9n }, LOCK_MIN, 52n, 0n).amount).toBe(LOCK_MIN);
  });

  it("weighs half at half of the time", () => {
    const { weight, half } = simulate(null, 1_000n * LOCK_MIN, 104n, 1_800_000_000n);
    expect(weight / 2n - half <= 1n && half - weight / 2n <= 1n).toBe(true);
  });
});
