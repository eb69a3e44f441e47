// SPDX-License-Identifier: Apache-2.0
// The token economy's arithmetic in exact integers: the reference that C++ and Solidity must equal. Written from the
// formulas, not from either of them.
import { type Hex, encodeAbiParameters, keccak256 } from 'viem';

export const WAD = 10n ** 18n;
const PPM = 1_000_000n;
const BPS = 10_000n;
const WEEK = 604_800n;
const MONTH = 2_629_800n;
const T_MAX = 126_230_400n;
const WEEKLY = 3_831_417n * WAD;

const min = (a: bigint, b: bigint) => (a < b ? a : b);
const max = (a: bigint, b: bigint) => (a > b ? a : b);
const clamp = (value: bigint, low: bigint, high: bigint) => max(low, min(value, high));

export function isqrt(value: bigint): bigint {
  if (value < 2n) return value;
  let low = 1n;
  let high = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle * middle <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}

export function lockStrength(amount: bigint, linearBelow: bigint): bigint {
  if (amount >= linearBelow) return isqrt(amount * WAD);
  return (amount * isqrt(linearBelow * WAD)) / linearBelow;
}

export function lockWeight(strength: bigint, endWeek: bigint, now: bigint): bigint {
  return now >= endWeek * WEEK ? 0n : (strength * (endWeek * WEEK - now)) / T_MAX;
}

// Solady's lnWad: a rational approximation on (1, 2) times 2^96, in two's complement of 256 bits. BigInt is signed and
// unbounded, so only the shifts (which floor in both) and the one division (which truncates in both) matter.
const LN_P = [
  3273285459638523848632254066296n,
  24828157081833163892658089445524n,
  43456485725739037958740375743393n,
  -11111509109440967052023855526967n,
  -45023709667254063763336534515857n,
  -14706773417378608786704636184526n,
] as const;
const LN_Q = [
  5573035233440673466300451813936n,
  71694874799317883764090561454958n,
  283447036172924575727196451306956n,
  401686690394027663651624208769553n,
  204048457590392012362485061816622n,
  31853899698501571402653359427138n,
  909429971244387300277376558375n,
] as const;

export function lnWad(x: bigint): bigint {
  const log2 = BigInt(x.toString(2).length - 1);
  const mantissa = log2 >= 96n ? x >> (log2 - 96n) : x << (96n - log2);
  const horner = (terms: readonly bigint[]) =>
    terms.slice(1).reduce((sum, term) => ((sum * mantissa) >> 96n) + term, mantissa + (terms[0] ?? 0n));
  const numerator = horner(LN_P) * mantissa - (795164235651350426258249787498n << 96n);
  const scaled = (numerator / horner(LN_Q)) * 1677202110996718588342820967067443963516166n;
  const powers = 16597577552685614221487285958193947469193820559219878177908093499208371n * (log2 - 96n);
  return (scaled + powers + 600920179829731861736702779321621459595472258049074101567377883020018308n) >> 174n;
}

export interface Segment {
  weightStart: bigint;
  weightEnd: bigint;
  decay: bigint;
  emission: bigint;
}

// LockMath.increments: factor = atanh(x) / x with x = (W0 - W1) / (W0 + W1), 96 binary digits.
export function streamIncrement({ weightStart, weightEnd, decay, emission }: Segment): { i0: bigint; j: bigint } {
  const least = emission / weightStart;
  if (weightEnd === 0n) return { i0: least, j: 0n };
  const x = ((weightStart - weightEnd) << 96n) / (weightStart + weightEnd);
  const one = 1n << 96n;
  let factor: bigint;
  if (x < 1n << 92n) {
    const square = (x * x) >> 96n;
    factor = [9n, 7n, 5n, 3n, 1n].reduce((sum, odd) => one / odd + ((square * sum) >> 96n), one / 11n);
  } else {
    factor = ((lnWad((weightStart * WAD) / weightEnd) << 187n) / (x * WAD)) << 4n;
  }
  const mean = (((emission << 1n) / (weightStart + weightEnd)) * factor) >> 96n;
  const i0 = max(least, min(mean, emission / weightEnd));
  const surplus = weightStart * i0 - emission;
  return { i0, j: surplus > 0n ? (surplus + decay - 1n) / decay : 0n };
}

export function utilization(consumed: bigint, available: bigint): bigint {
  return available === 0n ? 0n : min(WAD, (consumed * WAD) / available);
}

// BigInt's division truncates toward zero, as the chain's does.
export function nextSupplyShare(previous: bigint, used: bigint, sensitivity: bigint, target: bigint): bigint {
  return clamp(previous + (sensitivity * (used - target)) / WAD, 0n, WAD);
}

export function incentiveReleasedMax(tge: bigint, now: bigint): bigint {
  if (now < tge) return 0n;
  const weeks = (now - tge) / WEEK + 1n;
  return weeks >= 522n ? 2_000_000_000n * WAD : weeks * WEEKLY;
}

export function incentiveFreedBy(elapsed: bigint): bigint {
  return elapsed >= 522n * WEEK ? 2_000_000_000n * WAD : (WEEKLY * elapsed) / WEEK;
}

export interface PeriodTerms {
  starts: bigint;
  ends: bigint;
  releaseShare: bigint;
  supplyShare: bigint;
  capacityShare: bigint;
}

export function periodAmounts(terms: PeriodTerms) {
  const freed = incentiveFreedBy(terms.ends) - incentiveFreedBy(terms.starts);
  const rewards = (freed * terms.releaseShare) / WAD;
  const supply = (rewards * terms.supplyShare) / WAD;
  const capacity = (supply * terms.capacityShare) / WAD;
  return { capacity, delivery: supply - capacity, demandRebate: rewards - supply, withheld: freed - rewards };
}

export interface Schedule {
  allocation: bigint;
  upfront: bigint;
  start: bigint;
  cliffMonths: bigint;
  releaseMonths: bigint;
  monthly: boolean;
}

export function vestedAt(schedule: Schedule, amount: bigint, now: bigint): bigint {
  if (now < schedule.start) return 0n;
  const upfront = (amount * schedule.upfront) / schedule.allocation;
  const elapsed = now - schedule.start - schedule.cliffMonths * MONTH;
  if (elapsed < 0n) return upfront;
  if (elapsed >= schedule.releaseMonths * MONTH) return amount;
  const counted = schedule.monthly ? (elapsed / MONTH) * MONTH : elapsed;
  return upfront + ((amount - upfront) * counted) / (schedule.releaseMonths * MONTH);
}

export function issuanceQuota(netFees: bigint, locked: bigint, executed: bigint): bigint {
  return max(0n, min(netFees / 2_000_000_000_000n, locked / (500_000_000n * WAD)) - executed);
}

export function yearlyIssuanceLeft(openingSupply: bigint, minted: bigint): bigint {
  return max(0n, (openingSupply * 500n) / BPS - minted);
}

export function yearOf(time: bigint): bigint {
  return BigInt(new Date(Number(time) * 1000).getUTCFullYear());
}

export function nextFeePpm(fee: bigint, consumed: bigint, available: bigint, least: bigint, most: bigint): bigint {
  if (available === 0n) return fee;
  const used = min(PPM, (consumed * PPM) / available);
  return clamp(fee + (fee * (used - 800_000n)) / 800_000n / 8n, least, most);
}

export interface RateTerms {
  rate: bigint;
  perDollar: bigint;
  utilization: bigint;
  factorFloor: bigint;
  factorSlope: bigint;
  moveMaxBps: bigint;
}

export function nextStakeRate(terms: RateTerms): bigint {
  const factor = terms.factorFloor + (terms.factorSlope * min(terms.utilization, WAD)) / WAD;
  const target = (terms.perDollar * factor) / WAD;
  const move = (terms.rate * terms.moveMaxBps) / BPS;
  return clamp(clamp(target, terms.rate - move, terms.rate + move), 1_000n, 2n ** 96n - 1n);
}

export function stakeRequired(base: bigint, rate: bigint, gpuCount: bigint): bigint {
  return (base * rate * max(gpuCount, 1n) + PPM - 1n) / PPM;
}

export interface SlashTerms {
  seized: bigint;
  loss: bigint;
  treasury: bigint;
  price: bigint;
  bountyBps: bigint;
  bountyCap: bigint;
}

export function splitSlash(terms: SlashTerms) {
  const paidByTreasury = min(terms.loss, terms.treasury);
  const missing = terms.loss - paidByTreasury;
  const owed = (missing * WAD) / terms.price;
  const victim = min(owed, terms.seized);
  const shortfall = owed <= terms.seized && terms.seized > 0n ? 0n : max(0n, missing - (terms.seized * terms.price) / WAD);
  const accuser = min(((terms.seized - victim) * terms.bountyBps) / BPS, terms.bountyCap);
  return { paidByTreasury, shortfall, victim, accuser, toTreasury: terms.seized - victim - accuser };
}

export function splitExactly(amount: bigint, weights: bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total === 0n) return weights.map(() => 0n);
  const shares = weights.map((weight) => (amount * weight) / total);
  const left = amount - shares.reduce((sum, share) => sum + share, 0n);
  const order = weights
    .map((weight, place) => ({ place, rest: (amount * weight) % total }))
    .sort((a, b) => (a.rest === b.rest ? a.place - b.place : a.rest > b.rest ? -1 : 1));
  for (const { place } of order.slice(0, Number(left))) shares[place] = (shares[place] ?? 0n) + 1n;
  return shares;
}

export interface Capacity {
  onlineSeconds: bigint;
  capacityUnits: bigint;
  stabilityPpm: bigint;
  vramMib: bigint;
  stake: bigint;
  stakeRequired: bigint;
  memberDays: bigint;
}

// The standard parameters: steps of 96, 192, 384 and 640 GiB; 1 % a month up to 12 %; stake up to 1.25 times.
export function capacityWeight(node: Capacity): bigint {
  const steps: [bigint, bigint][] = [
    [640n, 1_500_000n],
    [384n, 1_350_000n],
    [192n, 1_200_000n],
    [96n, 1_100_000n],
    [0n, PPM],
  ];
  const multiGpu = steps.find(([gib]) => node.vramMib >= gib * 1024n)?.[1] ?? PPM;
  const most = 1_250_000n;
  const stake = node.stakeRequired === 0n ? most : min(most, (node.stake * PPM) / node.stakeRequired);
  const loyalty = PPM + min((node.memberDays / 30n) * 10_000n, 120_000n);
  const product = node.onlineSeconds * node.capacityUnits * node.stabilityPpm * multiGpu * stake * loyalty;
  return product / PPM ** 3n;
}

export function rewardLeaf(kind: bigint, account: Hex, cumulative: bigint): Hex {
  const types = [{ type: 'uint8' }, { type: 'address' }, { type: 'uint256' }] as const;
  return keccak256(keccak256(encodeAbiParameters(types, [Number(kind), account, cumulative])));
}

export function termAccrued(price: bigint, begin: bigint, end: bigint, now: bigint): bigint {
  const until = min(now, end);
  return until > begin ? (price * (until - begin)) / (end - begin) : 0n;
}

export interface SpotTerms extends Record<string, bigint | bigint[]> {
  budget: bigint;
  duration: bigint;
  // rates[0] from the begin on, rates[i] from times[i - 1] on; times in seconds since the begin, ascending.
  rates: bigint[];
  times: bigint[];
  elapsed: bigint;
}

export function spotAccrued(terms: SpotTerms): bigint {
  const until = min(terms.elapsed, terms.duration);
  return terms.rates.reduce((accrued, rate, i) => {
    const from = terms.times[i - 1] ?? 0n;
    const to = min(terms.times[i] ?? until, until);
    return min(accrued + (to > from ? (rate * (to - from)) / 3_600n : 0n), terms.budget);
  }, 0n);
}
