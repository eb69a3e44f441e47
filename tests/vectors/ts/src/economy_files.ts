// SPDX-License-Identifier: Apache-2.0
import type { Hex } from 'viem';
import { type Case, type VectorFile, addressOf, keys, type KeyName, plainFields } from './common.js';
import * as economy from './economy.js';
import { proofOf, rootOf } from './tree.js';

const { WAD } = economy;
const WEEK = 604_800n;
const TGE = 1_800_000_000n;

// A fixed sequence of numbers (xorshift), for samples that no hand would choose.
function* randoms(seed: bigint): Generator<bigint, never> {
  let state = seed;
  while (true) {
    state ^= (state << 13n) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state ^= (state << 17n) & 0xffffffffffffffffn;
    yield state;
  }
}

// `count` numbers of up to `bits` bits, small ones as often as large ones.
function numbers(seed: bigint, bits: number, count: number): bigint[] {
  const source = randoms(seed);
  return Array.from({ length: count }, () => {
    const size = Number(source.next().value % BigInt(bits + 1));
    const wide = [0, 1, 2, 3].reduce((value) => (value << 64n) | source.next().value, 0n);
    return size === 0 ? 0n : wide & ((1n << BigInt(size)) - 1n);
  });
}

type Inputs = Record<string, bigint | boolean | bigint[]>;

// One case for each input, with what follows from it.
function file<T extends Inputs>(description: string, inputs: T[], results: (input: T) => Inputs): VectorFile {
  return { description, cases: inputs.map((input): Case => plainFields({ ...input, ...results(input) })) };
}

function lockFiles(): [string, VectorFile][] {
  const M = 10_000n * WAD;
  const amounts = [WAD, 2n * WAD, M / 2n, M - 1n, M, M + 1n, 4n * M, 10n ** 28n, 123_456_789n * WAD + 987_654_321n];
  const strengths = [...amounts, ...numbers(11n, 94, 40).map((amount) => amount + WAD)].flatMap((amount) =>
    [M, WAD, 1_234_567n * WAD].map((linearBelow) => ({ amount, linearBelow })),
  );
  const weights = [
    { strength: WAD, endWeek: 208n, now: 0n },
    { strength: 10n ** 23n, endWeek: 208n, now: 0n },
    { strength: 10n ** 23n, endWeek: 1n, now: WEEK - 1n },
    { strength: 10n ** 23n, endWeek: 1n, now: WEEK },
    { strength: 10n ** 23n, endWeek: 1n, now: WEEK + 1n },
    ...numbers(12n, 77, 40).map((strength, i) => ({ strength, endWeek: BigInt(i * 5), now: BigInt(i * i) * 77_777n })),
  ];
  const lives = numbers(13n, 92, 60).map((amount, i) => {
    const weeks = BigInt((i * 37) % 208) + 1n;
    const elapsed = [0n, 1n, weeks * WEEK - 1n, weeks * WEEK, (weeks * WEEK * BigInt(i)) / 61n][i % 5] ?? 0n;
    return { amount: amount + WAD, linearBelow: BigInt(i * i * 250 + 1) * WAD, weeks, elapsed };
  });
  return [
    [
      'lock_lives',
      file(
        'weight of a lock of so many weeks, made when a week begins, so many seconds later',
        lives,
        ({ amount, linearBelow, weeks, elapsed }) => ({
          weight: economy.lockWeight(economy.lockStrength(amount, linearBelow), weeks, elapsed),
        }),
      ),
    ],
    [
      'lock_strengths',
      file(
        'strength = isqrt(amount * 1e18) from linearBelow on, amount * isqrt(linearBelow * 1e18) / linearBelow below it',
        strengths,
        ({ amount, linearBelow }) => ({ strength: economy.lockStrength(amount, linearBelow) }),
      ),
    ],
    [
      'lock_weights',
      file('weight = strength * (endWeek * 604800 - now) / 126230400, 0 from the end on', weights, (input) => ({
        weight: economy.lockWeight(input.strength, input.endWeek, input.now),
      })),
    ],
  ];
}

function streamFiles(): [string, VectorFile][] {
  const logs = [WAD, WAD + 1n, 2n * WAD, 2_718_281_828_459_045_235n, 10n ** 27n, 2n ** 128n, 2n ** 255n - 1n];
  const more = numbers(21n, 254, 60).map((x) => x + WAD);
  const lives = numbers(22n, 95, 120).map((strength) => strength + WAD);
  const shares = numbers(23n, 40, 120);
  const emissions = numbers(24n, 94, 120);
  const random = lives.map((decay, i) => {
    const lifetime = (shares[i] ?? 0n) % 126_230_400n;
    const weightStart = decay * (lifetime + 1n);
    const elapsed = i % 5 === 0 ? lifetime + 1n : (lifetime * BigInt(i % 17)) / 16n;
    return { weightStart, weightEnd: weightStart - decay * elapsed, decay, emission: (emissions[i] ?? 0n) << 104n };
  });
  const chosen = [
    // Just below and above x = 1/16, where the series gives way to the logarithm.
    {
      weightStart: 17n * 10n ** 24n,
      weightEnd: 15n * 10n ** 24n + 1n,
      decay: 10n ** 20n,
      emission: (10n ** 24n) << 104n,
    },
    { weightStart: 17n * 10n ** 24n, weightEnd: 15n * 10n ** 24n, decay: 10n ** 20n, emission: (10n ** 24n) << 104n },
    { weightStart: 10n ** 30n, weightEnd: 10n ** 30n, decay: 10n ** 22n, emission: 1n },
    { weightStart: 10n ** 30n, weightEnd: 1n, decay: 10n ** 22n, emission: (10n ** 28n) << 104n },
    { weightStart: 10n ** 30n, weightEnd: 0n, decay: 10n ** 22n, emission: (10n ** 28n) << 104n },
  ];
  return [
    [
      'ln_wads',
      file(
        'ln = the natural logarithm of x / 1e18, times 1e18, as Solady computes it',
        [...logs, ...more].map((x) => ({ x })),
        ({ x }) => ({ ln: economy.lnWad(x) }),
      ),
    ],
    [
      'stream_increments',
      file(
        'i0 = emission / logarithmic mean of the weights, j = (weightStart * i0 - emission) / decay; the rounding is in ve_stream.hpp',
        [...chosen, ...random],
        (input) => economy.streamIncrement(input),
      ),
    ],
  ];
}

function emissionFiles(): [string, VectorFile][] {
  const uses = [0n, 1n, 60n, 79n, 80n, 81n, 95n, 100n, 250n].flatMap((consumed) =>
    [0n, WAD / 1000n, WAD / 2n, WAD - 1n, WAD].map((previous) => ({ previous, consumed, available: 100n })),
  );
  const odd = numbers(31n, 64, 30).map((consumed, i) => ({
    previous: (WAD * BigInt(i)) / 30n,
    consumed,
    available: consumed * 3n + BigInt(i) + 1n,
  }));
  const controller = { gain: WAD / 10n, target: (WAD * 8n) / 10n };
  const last = TGE + 521n * WEEK;
  const times = [TGE - 1n, TGE, TGE + WEEK - 1n, TGE + WEEK, last - 1n, last, last + 10n * WEEK];
  const end = 522n * WEEK;
  const periods = [
    { starts: 0n, ends: WEEK, releaseShare: WAD, supplyShare: WAD / 2n, capacityShare: WAD / 2n },
    { starts: WEEK, ends: WEEK + 86_400n, releaseShare: WAD, supplyShare: (WAD * 48n) / 100n, capacityShare: WAD / 3n },
    { starts: 7n, ends: 2n * WEEK + 7n, releaseShare: WAD / 3n, supplyShare: WAD / 7n, capacityShare: WAD },
    { starts: end - WEEK, ends: end, releaseShare: WAD, supplyShare: WAD, capacityShare: 0n },
    { starts: end - 1n, ends: end + WEEK, releaseShare: WAD, supplyShare: 1n, capacityShare: 1n },
    { starts: end, ends: end + WEEK, releaseShare: WAD, supplyShare: WAD, capacityShare: WAD },
    { starts: 0n, ends: WEEK, releaseShare: 0n, supplyShare: 0n, capacityShare: 0n },
    ...numbers(32n, 59, 30).map((share, i) => ({
      starts: BigInt(i) * 9_973n,
      ends: BigInt(i) * 19_979n + 1n,
      releaseShare: share,
      supplyShare: WAD - share,
      capacityShare: (share * 3n) / 4n,
    })),
  ];
  return [
    [
      'supply_shares',
      file(
        'utilization = min(consumed * 1e18 / available, 1e18); next = clamp(previous + gain * (utilization - target) / 1e18, 0, 1e18)',
        [...uses, ...odd].map((use) => ({ ...use, ...controller })),
        ({ previous, consumed, available, gain, target }) => {
          const used = economy.utilization(consumed, available);
          return { utilization: used, next: economy.nextSupplyShare(previous, used, gain, target) };
        },
      ),
    ],
    [
      'period_amounts',
      file('What a period releases and how it is divided; see emission.hpp', periods, (input) =>
        economy.periodAmounts(input),
      ),
    ],
    [
      'incentive_releases',
      file(
        'released = 3831417e18 for each week that began, 2e27 from the 522nd on',
        times.map((now) => ({ tge: TGE, now })),
        ({ tge, now }) => ({
          released: economy.incentiveReleasedMax(tge, now),
        }),
      ),
    ],
  ];
}

function tokenFiles(): [string, VectorFile][] {
  const month = 2_629_800n;
  const billions = (count: bigint) => count * 1_000_000_000n * WAD;
  const schedules = [
    {
      allocation: billions(2n),
      upfront: 0n,
      cliffMonths: 18n,
      releaseMonths: 42n,
      monthly: false,
      amount: billions(1n),
    },
    { allocation: billions(1n), upfront: 0n, cliffMonths: 0n, releaseMonths: 18n, monthly: false, amount: 7n },
    {
      allocation: 10_000n * WAD,
      upfront: 2_500n * WAD,
      cliffMonths: 0n,
      releaseMonths: 6n,
      monthly: true,
      amount: 10_000n * WAD,
    },
    { allocation: 1_000_003n, upfront: 219_101n, cliffMonths: 3n, releaseMonths: 7n, monthly: false, amount: 999_983n },
    { allocation: 77n * WAD, upfront: 7n, cliffMonths: 2n, releaseMonths: 0n, monthly: true, amount: 76n * WAD + 1n },
  ].map((schedule) => ({ ...schedule, start: TGE }));
  const moments = [
    -1n,
    0n,
    1n,
    month - 1n,
    month,
    3n * month - 1n,
    3n * month,
    6n * month,
    18n * month - 1n,
    18n * month,
  ]
    .concat([18n * month + 1n, 39n * month + 12_345n, 60n * month - 1n, 60n * month, 600n * month])
    .map((offset) => TGE + offset);
  const step = 2_000_000_000_000n;
  const half = 500_000_000n * WAD;
  const quotas = [
    [0n, 0n, 0n],
    [step - 1n, half, 0n],
    [step, half - 1n, 0n],
    [step, half, 0n],
    [step, half, 1n],
    [5n * step, 3n * half, 1n],
    [2n * step, 9n * half, 3n],
  ].map(([netFees, locked, executed]) => ({ netFees: netFees ?? 0n, locked: locked ?? 0n, executed: executed ?? 0n }));
  const years = [
    { openingSupply: 10n ** 28n, minted: 0n, time: 0n },
    { openingSupply: 10n ** 28n, minted: 5n * 10n ** 26n - 1n, time: 951_782_399n },
    { openingSupply: 10n ** 28n, minted: 5n * 10n ** 26n, time: 951_782_400n },
    { openingSupply: 10n ** 28n + 19n, minted: 6n * 10n ** 26n, time: 1_798_761_599n },
    { openingSupply: 10_499_999_999n * WAD + 39n, minted: 1n, time: 1_798_761_600n },
    ...numbers(41n, 33, 30).map((time) => ({ openingSupply: 10n ** 28n + time, minted: time, time })),
  ];
  return [
    [
      'vestings',
      file(
        'upfront / allocation at start, the rest over months of 2629800 s after the cliff, by the second or in whole months',
        schedules.flatMap((schedule) => moments.map((now) => ({ ...schedule, now }))),
        ({ now, amount, ...schedule }) => ({ vested: economy.vestedAt(schedule, amount, now) }),
      ),
    ],
    [
      'issuance_quotas',
      file(
        'quota = min(netFees / 2000000 dollars, locked / 500000000 VCAI) - executed, not below 0',
        quotas,
        (input) => ({
          quota: economy.issuanceQuota(input.netFees, input.locked, input.executed),
        }),
      ),
    ],
    [
      'issuance_years',
      file('left = 5 % of openingSupply - minted, not below 0; year is that of time in UTC', years, (input) => ({
        left: economy.yearlyIssuanceLeft(input.openingSupply, input.minted),
        year: economy.yearOf(input.time),
      })),
    ],
  ];
}

function networkFiles(): [string, VectorFile][] {
  const fees = [10_000n, 10_001n, 50_000n, 77_777n, 99_999n, 100_000n].flatMap((fee) =>
    [0n, 1n, 500n, 799n, 800n, 801n, 999n, 1_000n, 5_000n].map((consumed) => ({
      fee,
      consumed,
      available: 1_000n,
      minimum: 10_000n,
      maximum: 100_000n,
    })),
  );
  fees.push({ fee: 50_000n, consumed: 7n, available: 0n, minimum: 10_000n, maximum: 100_000n });
  const rates = numbers(51n, 40, 60).map((base, i) => ({
    base,
    gpuCount: BigInt(i % 9),
    rate: [10n * WAD, 1_000n, 1_001n, 2n ** 96n - 1n, base * WAD + 3n][i % 5] ?? WAD,
    perDollar: ((base % 97n) + BigInt(i % 3)) * (WAD / 7n),
    utilization: (WAD * BigInt(i)) / 49n,
    factorFloor: WAD / 2n,
    factorSlope: i % 2 === 0 ? WAD : WAD / 3n,
    moveMaxBps: [2_500n, 0n, 5_000n, 1n][i % 4] ?? 0n,
  }));
  const slashes = [
    { seized: 100n * WAD, loss: 0n, treasury: 0n, price: 100_000n, bountyBps: 1_000n, bountyCap: 5n * WAD },
    {
      seized: 100n * WAD,
      loss: 4_000_000n,
      treasury: 4_000_000n,
      price: 100_000n,
      bountyBps: 1_000n,
      bountyCap: 50n * WAD,
    },
    {
      seized: 100n * WAD,
      loss: 4_000_000n,
      treasury: 1_000_001n,
      price: 100_003n,
      bountyBps: 1_000n,
      bountyCap: 50n * WAD,
    },
    {
      seized: 10n * WAD,
      loss: 4_000_000n,
      treasury: 0n,
      price: 100_000n,
      bountyBps: 1_000n,
      bountyCap: 50n * WAD,
    },
    { seized: 0n, loss: 4_000_000n, treasury: 9n, price: 100_000n, bountyBps: 5_000n, bountyCap: 50n * WAD },
    ...numbers(52n, 80, 40).map((seized, i) => ({
      seized,
      loss: seized % 1_000_003n,
      treasury: BigInt(i) * 1_000n,
      price: (seized % 999_983n) + 1n,
      bountyBps: BigInt(i * 125),
      bountyCap: seized >> BigInt(i % 6),
    })),
  ];
  return [
    [
      'network_fees',
      file(
        'u = min(consumed * 1e6 / available, 1e6); next = clamp(fee + fee * (u - 800000) / 800000 / 8)',
        fees,
        (input) => ({
          next: economy.nextFeePpm(input.fee, input.consumed, input.available, input.minimum, input.maximum),
        }),
      ),
    ],
    [
      'stake_rates',
      file(
        'next = rate moved toward perDollar * (factorFloor + factorSlope * utilization), bounded; stake = ceil(base * next * gpuCount / 1e6)',
        rates,
        (input) => {
          const next = economy.nextStakeRate(input);
          return { next, stake: economy.stakeRequired(input.base, next, input.gpuCount) };
        },
      ),
    ],
    [
      'slash_splits',
      file(
        'The victim first and in full, then the bounty, the rest to the treasury; see staking.hpp',
        slashes,
        (input) => economy.splitSlash(input),
      ),
    ],
  ];
}

function agreementFiles(): [string, VectorFile][] {
  const terms = [
    { price: 99n, begin: TGE, end: TGE + 10n, now: TGE },
    { price: 99n, begin: TGE, end: TGE + 10n, now: TGE + 1n },
    { price: 99n, begin: TGE, end: TGE + 10n, now: TGE + 10n },
    { price: 99n, begin: TGE, end: TGE + 10n, now: TGE + 11n },
    ...numbers(71n, 29, 20).map((price, i) => ({
      price: price + 1n,
      begin: TGE,
      end: TGE + BigInt(i * i * 3_607) + 1n,
      now: TGE + BigInt(i * 14_401),
    })),
  ];
  const spots = numbers(72n, 29, 30).map((budget, i): economy.SpotTerms => {
    const duration = 36_000n + BigInt(i * 1_013);
    const times = numbers(budget + 3n, 15, i % 5).sort((a, b) => (a < b ? -1 : 1));
    const rates = [0, ...times].map((_, j) => BigInt((i * 7_919 + j * 104_729) % 12_000_000));
    return { budget: budget + 1n, duration, rates, times, elapsed: 32_768n + BigInt(i * 331) };
  });
  return [
    [
      'term_accruals',
      file('price * (min(now, end) - begin) / (end - begin), zero before begin', terms, (input) => ({
        accrued: economy.termAccrued(input.price, input.begin, input.end, input.now),
      })),
    ],
    [
      'spot_accruals',
      file('rate * seconds / 3600 for each rate, added up and never above the budget', spots, (input) => ({
        accrued: economy.spotAccrued(input),
      })),
    ],
  ];
}

function rewardFiles(): [string, VectorFile][] {
  const splits = [
    { amount: 10n, weights: [1n, 1n, 1n] },
    { amount: 0n, weights: [1n, 2n] },
    { amount: 7n, weights: [0n, 0n] },
    { amount: 7n, weights: [] as bigint[] },
    { amount: 5n, weights: [0n, 3n, 0n, 3n, 3n, 3n] },
    { amount: 3_831_417n * WAD, weights: [1n, 3n, 7n, 2n ** 100n, 2n ** 99n + 1n] },
    ...numbers(61n, 94, 20).map((amount, i) => ({ amount, weights: numbers(amount + 1n, 70, i + 1) })),
  ];
  const capacities = numbers(62n, 22, 30).map((onlineSeconds, i) => ({
    onlineSeconds,
    capacityUnits: BigInt(i * i * 1_000 + 1),
    stabilityPpm: 1_000_000n - BigInt(i * 1_001),
    vramMib: [0n, 98_303n, 98_304n, 196_608n, 393_215n, 393_216n, 655_360n][i % 7] ?? 0n,
    stake: BigInt(i) * WAD,
    stakeRequired: BigInt(i % 4) * 7n * WAD,
    memberDays: BigInt(i * 17),
  }));
  const names = Object.keys(keys) as KeyName[];
  const leaves: { kind: bigint; account: Hex; cumulative: bigint; leaf: Hex }[] = [...names, ...names].map(
    (name, i) => {
      const kind = BigInt(i % 4);
      const cumulative = 10n ** BigInt(i * 2);
      return {
        kind,
        account: addressOf(name),
        cumulative,
        leaf: economy.rewardLeaf(kind, addressOf(name), cumulative),
      };
    },
  );
  const tree = leaves.map(({ leaf }) => leaf);
  return [
    [
      'exact_splits',
      file(
        'shares[i] = floor(amount * weights[i] / sum), the wei left over to the largest remainders, earlier ones first',
        splits,
        (input) => ({
          shares: economy.splitExactly(input.amount, input.weights),
        }),
      ),
    ],
    [
      'capacity_weights',
      file(
        'online * capacity * stability * multi-GPU factor * stake factor * (1 + loyalty); see rewards.hpp',
        capacities,
        (input) => ({ weight: economy.capacityWeight(input) }),
      ),
    ],
    [
      'reward_leaves',
      {
        description:
          'leaf = keccak256(keccak256(abi.encode(uint8 kind, address account, uint256 cumulative))); all cases are one tree',
        cases: leaves.map((fields, index) =>
          plainFields({ ...fields, index, root: rootOf(tree), proof: proofOf(tree, index) }),
        ),
      },
    ],
  ];
}

export function economyFiles(): [string, VectorFile][] {
  return [
    ...lockFiles(),
    ...streamFiles(),
    ...emissionFiles(),
    ...tokenFiles(),
    ...networkFiles(),
    ...agreementFiles(),
    ...rewardFiles(),
  ];
}
