// SPDX-License-Identifier: Apache-2.0
// Arithmetic of vote-escrow locks and of the incentive controller, to the last unit as the contracts compute it
// (contracts/src/governance/LockMath.sol, docs/rewards.md). Amounts and weights are base units, times seconds since the
// contract's origin.

export const WAD = 10n ** 18n;
export const WEEK = 604_800n;
/** Four years: a lock of that length would weigh its whole strength. */
export const FOUR_YEARS = 126_230_400n;
export const LOCK_WEEKS_MAX = 208n;
export const LOCK_MIN = WAD;
/** Length of a reward stream. */
export const STREAM_SECONDS = 86_400n;
const DIGITS = 104n;
const MODULUS = 1n << 160n;

/** Floor of the square root; RangeError for negative numbers. */
export function squareRoot(value: bigint): bigint {
  if (value < 0n) throw new RangeError("no square root of a negative number");
  if (value < 2n) return value;
  let guess = 1n << (BigInt(value.toString(2).length + 1) / 2n);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** What a lock counts before time: the square root of its amount, linear below `linearBelow`. */
export function lockStrength(amount: bigint, linearBelow: bigint): bigint {
  if (amount >= linearBelow) return squareRoot(amount * WAD);
  return (amount * squareRoot(linearBelow * WAD)) / linearBelow;
}

/** Decays linearly and is 0 from the end on. */
export function lockWeight(strength: bigint, endWeek: bigint, now: bigint): bigint {
  const end = endWeek * WEEK;
  return now >= end ? 0n : (strength * (end - now)) / FOUR_YEARS;
}

/** First and last week in which a lock may end. */
export function endWeeks(now: bigint, present = 0n): { first: bigint; last: bigint } {
  const week = now / WEEK;
  return { first: present > week ? present : week + 1n, last: week + LOCK_WEEKS_MAX };
}

/** `steps` + 1 points of a lock's weight from now to its end, for a curve. */
export function decayCurve(
  strength: bigint,
  endWeek: bigint,
  now: bigint,
  steps = 52,
): { time: bigint; weight: bigint }[] {
  const span = endWeek * WEEK - now;
  if (span <= 0n) return [];
  return Array.from({ length: steps + 1 }, (_, index) => {
    const time = now + (span * BigInt(index)) / BigInt(steps);
    return { time, weight: lockWeight(strength, endWeek, time) };
  });
}

/** What a lock earned between two marks of the pool, rounded down. */
export function earned(strength: bigint, from: bigint, to: bigint): bigint {
  return (((((to - from) % MODULUS) + MODULUS) % MODULUS) * strength) >> DIGITS;
}

/**
 * What a weight among `total` would get of `left` that streams out, if nothing changed. An estimate for people: on chain
 * the shares move with every lock and every second.
 */
export function expectedShare(weight: bigint, total: bigint, left: bigint): bigint {
  return total === 0n ? 0n : (left * weight) / total;
}

/** U_actual: consumed over available, as a share of WAD, at most 1. */
export function utilization(consumed: bigint, available: bigint): bigint {
  if (available === 0n) return 0n;
  const share = (consumed * WAD) / available;
  return share < WAD ? share : WAD;
}

/** P_supply of the next period: moved by `gain` towards where utilization meets its target. All in WAD. */
export function nextSupplyShare(previous: bigint, used: bigint, gain: bigint, target: bigint): bigint {
  const next = previous + (gain * (used - target)) / WAD;
  return next < 0n ? 0n : next > WAD ? WAD : next;
}
