// SPDX-License-Identifier: Apache-2.0
// How the contracts are created, connected and handed over. This file is for people: everything else (plan.json, the
// program that deploys, the tests that check what is left behind) follows from it. See ../../docs/decisions/contracts/0016.
//
//   settings     what only the deployer knows; each may be given when deploying
//   creations    in the order of their transactions; an argument may be the address of any of them, a later one too
//   restricted   which role opens which functions
//   members      who holds a role in the end, and nobody else
//   calls        after all creations and roles, in order; each may be repeated without harm, or `done` shows that it
//                has been done; the deployer holds the roles of `temporary` for them, and gives everything up at the end
//   facts        what must be true: `start`, when everything has just been deployed, or always
//
// A plain value in a constructor's arguments is a default that a configuration file may replace, under the name
// Contract.parameter; by() gives production and devnet different ones.
import { Reference } from './abi.mjs';

/** The address of a contract of this plan. */
export const at = (name) => new Reference(`address:${name}`);
/** A setting. */
export const config = (key) => new Reference(`config:${key}`);
/** What a `read` found that is no address. */
export const found = (name) => new Reference(`word:${name}`);
/** A default for each profile. */
export const by = (production, devnet) => ({ production, devnet });

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const usd = (dollars) => BigInt(dollars) * 10n ** 6n;
const vcai = (amount) => BigInt(amount) * 10n ** 18n;
const percentOfOne = (percent) => BigInt(percent) * 10n ** 16n;

// null: must be given. "": may be left out. "deployer": the account that sends. "now": the time of the first block that
// the deployer saw; "now+60" is a minute later. "address:X": of a contract of this plan.
export const settings = {
  deployer: { type: 'address', ...by('deployer', 'deployer'), about: 'Sends everything; keeps no right.' },
  stable: { type: 'address', ...by(null, ''), about: 'The stablecoin. Left out, a DevStable is made.' },
  uniswapFactory: { type: 'address', ...by(null, ''), about: 'Factory of Uniswap v2. Left out, one is made.' },
  foundation: { type: 'address', ...by(null, null), about: 'Grants the allocations of the vault; sells Genesis NFTs.' },
  guardian: { type: 'address', ...by(null, null), about: 'May pause modules for days and cancel in the timelock.' },
  firstVerifier: { type: 'address', ...by(null, null), about: 'Member of the verifier set from the start.' },
  tge: { type: 'uint64', ...by(null, 'now'), about: 'Unix second of the token generation event.' },
};

const authority = at('AccessManager');
const token = at('VCAIToken');
const stable = at('Stable');
const treasury = at('Treasury');

const round = (label, category, amount, upfront, cliffMonths, releaseMonths, release) => ({
  label, category, amount: vcai(amount), upfront: vcai(upfront), cliffMonths, releaseMonths, release,
});
const [PRIVATE, PUBLIC] = [0, 1];
const [LINEAR, MONTHLY] = [0, 1];
const [MINOR, MEDIUM, SEVERE] = [1, 2, 3];

export const creations = [
  { name: 'AccessManager', arguments: { initialAdmin: config('deployer') } },
  { name: 'Stable', artifact: 'DevStable', unless: 'stable', arguments: {} },
  { name: 'UniswapV2Factory', unless: 'uniswapFactory', arguments: { feeToSetter: at('Timelock') } },

  { name: 'VCAIToken', arguments: { authority, genesisMinter: config('deployer') } },
  {
    name: 'VestingVault',
    arguments: {
      authority,
      token,
      tge: config('tge'),
      // Which round is how large is the white paper's in sum; the parts are set when the rounds are sold.
      rounds: [
        round('seed', PRIVATE, 500_000_000, 50_000_000, 6, 24, MONTHLY),
        round('strategic', PRIVATE, 850_000_000, 170_000_000, 3, 18, MONTHLY),
        round('growth', PRIVATE, 1_000_000_000, 294_885_000, 0, 12, LINEAR),
        round('community', PUBLIC, 250_000_000, 62_500_000, 0, 9, MONTHLY),
        round('launch', PUBLIC, 300_000_000, 107_505_000, 0, 6, LINEAR),
      ],
    },
  },
  {
    name: 'GenesisNFT',
    arguments: { authority, vault: at('VestingVault'), saleEnd: by(null, `now+${30 * day}`), baseUri: '' },
  },

  { name: 'VeVCAI', arguments: { authority, token, parameters: { linearBelow: vcai(10_000) } } },
  {
    name: 'Timelock',
    artifact: 'TimelockController',
    arguments: {
      minDelay: by(2 * day, 2),
      proposers: [at('VCAIGovernor')],
      executors: [at('VCAIGovernor')],
      admin: config('deployer'),
    },
  },
  {
    name: 'VCAIGovernor',
    arguments: {
      authority,
      ve: at('VeVCAI'),
      timelock: at('Timelock'),
      minimumDiscussion: by(7 * day, 2),
      parameters: {
        discussion: by(7 * day, 2),
        openWindow: by(7 * day, hour),
        voting: by(7 * day, 15),
        queueWindow: by(7 * day, hour),
        executeWindow: by(14 * day, hour),
        proposerThreshold: by(vcai(100), vcai(1)),
      },
    },
  },
  { name: 'Guardian', arguments: { authority, governor: at('VCAIGovernor'), holder: config('guardian') } },

  { name: 'Treasury', arguments: { authority, stable, parameters: { reserveTarget: by(usd(100_000), usd(10)) } } },
  {
    name: 'TwapOracle',
    arguments: {
      authority,
      vcai: token,
      stable,
      minimumWindow: by(30 * minute, 5),
      parameters: {
        window: by(hour, 5),
        maximumAge: by(2 * day, 7 * day),
        minimumReserve: by(usd(50_000), usd(1_000)),
        fallbackPrice: usd(1) / 10n, // until there is a pool with an average
      },
    },
  },
  {
    name: 'BuybackExecutor',
    arguments: {
      authority,
      treasury,
      oracle: at('TwapOracle'),
      stream: at('VeVCAI'),
      vcai: token,
      minimumInterval: by(12 * hour, 5),
      parameters: {
        interval: by(day, 10),
        depthBps: 30,
        toleranceBps: 100,
        minimumSpend: by(usd(10), 1_000),
        maximumSpend: usd(1_000_000),
      },
    },
  },

  {
    name: 'NodeRegistry',
    arguments: {
      authority,
      stakeToken: token,
      parameters: {
        computeUsd: usd(100),
        schedulerUsd: usd(1_000),
        verifierUsd: usd(100),
        factorFloor: percentOfOne(50),
        factorSlope: percentOfOne(100),
        unbondingDelay: by(7 * day, hour),
        period: by(7 * day, minute),
        maxMoveBps: 2_500,
      },
      stakePerUsd: vcai(10),
    },
  },
  {
    name: 'Escrow',
    arguments: { authority, stable, parameters: { withdrawDelay: by(hour, minute), capGrace: day } },
  },
  {
    name: 'NetworkFee',
    arguments: {
      authority,
      feePpm: 50_000,
      parameters: {
        minimumPpm: 10_000,
        maximumPpm: 100_000,
        feePeriod: day,
        unitsMaximum: 1_000_000_000_000,
      },
    },
  },
  {
    name: 'Settlement',
    arguments: {
      authority,
      escrow: at('Escrow'),
      registry: at('NodeRegistry'),
      networkFee: at('NetworkFee'),
      parameters: { treasury, challengeWindow: hour },
    },
  },
  {
    name: 'Agreements',
    arguments: {
      authority,
      escrow: at('Escrow'),
      networkFee: at('NetworkFee'),
      parameters: { treasury, disputeWindow: by(21 * day, minute), renewalGrace: by(3 * day, minute) },
    },
  },
  {
    name: 'RewardRoots',
    arguments: {
      authority,
      vcai: token,
      registry: at('NodeRegistry'),
      treasury,
      minimumDelay: by(day, 2),
      parameters: {
        delay: by(day, 2),
        winnerBps: 5_000,
        postBond: by(vcai(1_000), vcai(100)),
        disputeBond: by(vcai(1_000), vcai(100)),
      },
    },
  },
  {
    name: 'IncentiveController',
    arguments: {
      authority,
      vcai: token,
      vault: at('VestingVault'),
      units: at('NetworkFee'),
      roots: at('RewardRoots'),
      startsAt: config('tge'),
      minimumPeriod: by(day, 10),
      parameters: {
        periodLength: by(7 * day, minute),
        releaseShare: percentOfOne(100),
        gain: percentOfOne(10),
        target: percentOfOne(80),
        pocShare: percentOfOne(50),
      },
    },
  },
  {
    name: 'StrategicIssuance',
    arguments: { authority, vault: at('VestingVault'), treasury, ve: at('VeVCAI'), executedBefore: 0 },
  },
  { name: 'Repricing', arguments: { authority, token, minimumNotice: by(7 * day, 2) } },

  {
    name: 'VerifierSet',
    arguments: {
      authority,
      registry: at('NodeRegistry'),
      parameters: {
        committeeSize: by(7, 3),
        minimumCommittee: by(3, 1),
        quorumBps: 6_667,
        drawDelay: by(10, 1),
      },
    },
  },
  {
    name: 'SlashingCourt',
    arguments: {
      authority,
      registry: at('NodeRegistry'),
      verifiers: at('VerifierSet'),
      treasury,
      oracle: at('TwapOracle'),
      governor: at('VCAIGovernor'),
      parameters: {
        minorBps: 500,
        mediumBps: 3_000,
        bountyBps: 1_000,
        maxRounds: 3,
        answerPeriod: by(3 * day, minute),
        appealWindow: by(7 * day, 40),
        suspensionPeriod: by(30 * day, minute),
        bountyCap: vcai(10_000),
        accusationBond: by(vcai(500), vcai(10)),
        appealBond: by(vcai(1_000), vcai(10)),
        maxLossUsd: usd(10_000),
      },
      minimumPeriod: by(day, 5),
    },
  },
  { name: 'Reputation', arguments: { verifiers: at('VerifierSet'), epochLength: by(day, minute) } },
  {
    name: 'FraudProofs',
    arguments: {
      authority,
      settlement: at('Settlement'),
      parameters: {
        court: at('SlashingCourt'),
        verdictQuorum: 1,
        badSignature: SEVERE,
        overQuote: MINOR,
        duplicate: MINOR,
        rejectedByVerifiers: MEDIUM,
        foreignScheduler: MEDIUM,
        impossibleTimes: MINOR,
        uncoveredClient: MINOR,
        earningsTooLow: MEDIUM,
        chargeAboveReceipts: MEDIUM,
      },
    },
  },

  { name: 'AgentNFT', arguments: { authority, stable, parameters: { treasury, creationFee: usd(1) } } },
  { name: 'RevenueSplitter', arguments: { authority, nft: at('AgentNFT'), parameters: { treasury, platformBps: 500 } } },
  {
    name: 'LicenseManager',
    arguments: {
      authority,
      splitter: at('RevenueSplitter'),
      parameters: {
        minTerm: by(day, minute),
        maxTerm: 366 * day,
        refundDelay: by(7 * day, minute),
        ratingThreshold: usd(1),
      },
    },
  },
  { name: 'AgentMarket', arguments: { authority, splitter: at('RevenueSplitter'), parameters: { treasury, commissionBps: 250 } } },
];

/** Contracts that others make; their addresses are read. */
export const others = { Pool: 'UniswapV2Pair' };

const withPause = [
  'BuybackExecutor', 'IncentiveController', 'RewardRoots', 'Escrow', 'Settlement', 'SlashingCourt', 'Agreements', 'AgentNFT', 'LicenseManager', 'AgentMarket',
];

export const restricted = {
  SETTLEMENT: { Escrow: ['charge', 'credit', 'prepay'], Treasury: ['onFee'], NetworkFee: ['count'] },
  FRAUD_PROOFS: { Settlement: ['voidReceipt', 'correctEarnings'] },
  COURT: {
    NodeRegistry: ['slash', 'restore', 'suspend', 'hold', 'ban', 'unban'],
    VerifierSet: ['admit', 'request', 'draw'],
  },
  GUARDIAN: Object.fromEntries(withPause.map((name) => [name, ['pause', 'unpause']])),
  NOTIFIER: { VeVCAI: ['notify'] },
  SNAPSHOT: { VeVCAI: ['snapshot'] },
  BUYBACK: { Treasury: ['drawForBuyback'] },
  INCENTIVE: { VestingVault: ['releaseIncentive'] },
  REWARD_FUNDER: { RewardRoots: ['fund'] },
  ISSUANCE: { VCAIToken: ['mint'] },
  REPRICING: { VCAIToken: ['setUIMultiplier'] },
  COMPENSATION: { Treasury: ['compensate'] },
  PROSECUTOR: { SlashingCourt: ['openProven'] },
  APPEALS: { VCAIGovernor: ['propose'] },
  GENESIS_SALE: { GenesisNFT: ['mint'] },
  GRANTOR: { VestingVault: ['createGrant', 'openPartnerTranche'] },
  LICENSES: { AgentNFT: ['lend', 'touch'] },
  PARAMS: {
    VestingVault: ['spendReserve'],
    GenesisNFT: ['setBaseUri'],
    StrategicIssuance: ['issue'],
    Repricing: ['reprice', 'cancel'],
    VeVCAI: ['setParameters'],
    VCAIGovernor: ['setParameters'],
    Guardian: ['setHolder'],
    Treasury: ['spend', 'giveToLockers', 'setParameters'],
    TwapOracle: ['adoptPool', 'setParameters'],
    BuybackExecutor: ['setParameters'],
    IncentiveController: ['grant', 'setParameters'],
    RewardRoots: ['reallocate', 'decide', 'setParameters'],
    NodeRegistry: ['setParameters', 'setSources', 'setAdmission', 'setClassOf', 'setClassUsd'],
    VerifierSet: ['appoint', 'dismiss', 'setParameters'],
    SlashingCourt: ['grantAppeal', 'setParameters'],
    Escrow: ['setParameters'],
    NetworkFee: ['setParameters'],
    Settlement: ['setParameters'],
    FraudProofs: ['setParameters'],
    Agreements: ['decide', 'setParameters'],
    AgentNFT: ['setParameters'],
    RevenueSplitter: ['setParameters'],
    LicenseManager: ['setParameters'],
    AgentMarket: ['setParameters'],
  },
};

/** Opened by a role without the modifier `restricted`: the function asks for itself. */
export const asksItself = { VCAIGovernor: ['propose'], VeVCAI: ['notify'] };

export const members = {
  SETTLEMENT: [at('Settlement'), at('Agreements')],
  FRAUD_PROOFS: [at('FraudProofs')],
  PARAMS: [at('Timelock')],
  COURT: [at('SlashingCourt')],
  GUARDIAN: [at('Guardian')],
  NOTIFIER: [at('BuybackExecutor'), at('Treasury')],
  SNAPSHOT: [at('VCAIGovernor')],
  BUYBACK: [at('BuybackExecutor')],
  INCENTIVE: [at('IncentiveController')],
  REWARD_FUNDER: [at('IncentiveController')],
  ISSUANCE: [at('StrategicIssuance')],
  REPRICING: [at('Repricing')],
  COMPENSATION: [at('Settlement'), at('SlashingCourt')],
  PROSECUTOR: [at('FraudProofs')],
  APPEALS: [at('SlashingCourt')],
  GENESIS_SALE: [config('foundation')],
  GRANTOR: [config('foundation'), at('StrategicIssuance')],
  LICENSES: [at('LicenseManager')],
};

export const admin = at('Timelock');
export const temporary = { PARAMS: '', GRANTOR: 'devnet' };

export const timelock = {
  DEFAULT_ADMIN_ROLE: [at('Timelock')],
  PROPOSER_ROLE: [at('VCAIGovernor')],
  EXECUTOR_ROLE: [at('VCAIGovernor')],
  CANCELLER_ROLE: [at('VCAIGovernor'), at('Guardian')],
};

const CANCELLER_ROLE = '0xfd643c72710c63c0180259aba6b2d05451e3591a24e58b62239378085726f783';
const NO_ROLE = `0x${'0'.repeat(64)}`;
const LIQUIDITY_TRANCHE = 3;
const poolMoney = { vcai: vcai(20_000_000), usd: usd(2_000_000) };

export const calls = [
  {
    contract: 'VCAIToken',
    function: 'mintGenesis',
    arguments: [[[at('VestingVault'), vcai(9_970_000_000)], [at('GenesisNFT'), vcai(30_000_000)]]],
    done: { contract: 'VCAIToken', function: 'totalSupply' },
  },
  { contract: 'NodeRegistry', function: 'setSources', arguments: [at('TwapOracle'), at('IncentiveController')] },
  {
    contract: 'VerifierSet',
    function: 'appoint',
    arguments: [[config('firstVerifier')]],
    done: { contract: 'VerifierSet', function: 'isMember', arguments: [config('firstVerifier')] },
  },
  { contract: 'NodeRegistry', function: 'setAdmission', arguments: [at('VerifierSet')] },
  { contract: 'Timelock', function: 'grantRole', arguments: [CANCELLER_ROLE, at('Guardian')] },
  { contract: 'Timelock', function: 'renounceRole', arguments: [NO_ROLE, config('deployer')] },
  {
    contract: 'UniswapV2Factory',
    function: 'createPair',
    arguments: [token, stable],
    done: { contract: 'UniswapV2Factory', function: 'getPair', arguments: [token, stable] },
  },
  { name: 'Pool', kind: 'read', contract: 'UniswapV2Factory', function: 'getPair', arguments: [token, stable] },
  { contract: 'TwapOracle', function: 'adoptPool', arguments: [at('Pool')], done: { contract: 'TwapOracle', function: 'pool' } },

  // A development network has a market and money to play with: the liquidity tranche, free at TGE.
  {
    profile: 'devnet',
    name: 'liquidityGrant',
    kind: 'read',
    contract: 'VestingVault',
    function: 'grantIdOf',
    arguments: [LIQUIDITY_TRANCHE, config('deployer')],
  },
  {
    profile: 'devnet',
    contract: 'VestingVault',
    function: 'createGrant',
    arguments: [LIQUIDITY_TRANCHE, config('deployer'), vcai(70_000_000)],
    done: { contract: 'VestingVault', function: 'grantOf', arguments: [found('liquidityGrant')] },
  },
  {
    profile: 'devnet',
    contract: 'VestingVault',
    function: 'release',
    arguments: [found('liquidityGrant')],
    done: { contract: 'VCAIToken', function: 'balanceOf', arguments: [config('deployer')] },
  },
  {
    profile: 'devnet',
    name: 'liquidity of VCAI',
    contract: 'VCAIToken',
    function: 'transfer',
    arguments: [at('Pool'), poolMoney.vcai],
    done: { contract: 'VCAIToken', function: 'balanceOf', arguments: [at('Pool')] },
  },
  {
    profile: 'devnet',
    name: 'liquidity of the stablecoin',
    contract: 'Stable',
    function: 'mint',
    arguments: [at('Pool'), poolMoney.usd],
    done: { contract: 'Stable', function: 'balanceOf', arguments: [at('Pool')] },
  },
  {
    profile: 'devnet',
    contract: 'Pool',
    function: 'mint',
    arguments: [config('deployer')],
    done: { contract: 'Pool', function: 'totalSupply' },
  },
];

const fact = (says, contract, name, equals, more = {}) => ({ says, contract, function: name, equals, ...more });

export const facts = [
  fact('all 10,000,000,000 VCAI exist', 'VCAIToken', 'totalSupply', vcai(10_000_000_000), { start: true }),
  fact('the vault holds all but the Genesis part', 'VCAIToken', 'balanceOf', vcai(9_970_000_000), {
    start: true, profile: 'production', arguments: [at('VestingVault')],
  }),
  fact('30,000,000 VCAI are for Genesis NFTs', 'VCAIToken', 'balanceOf', vcai(30_000_000), {
    start: true, arguments: [at('GenesisNFT')],
  }),
  fact('the vault counts from TGE', 'VestingVault', 'tge', config('tge')),
  fact('nodes stake VCAI', 'NodeRegistry', 'stakeToken', token),
  fact('stake follows the price of VCAI', 'NodeRegistry', 'oracle', at('TwapOracle')),
  fact('stake follows how busy the network is', 'NodeRegistry', 'incentive', at('IncentiveController')),
  fact('verifiers must be admitted', 'NodeRegistry', 'admission', at('VerifierSet')),
  fact('the price is that of our pool', 'TwapOracle', 'pool', at('Pool')),
  fact('the governor counts locked VCAI', 'VCAIGovernor', 've', at('VeVCAI')),
  fact('the governor acts through the timelock', 'VCAIGovernor', 'timelock', at('Timelock')),
  fact('buybacks go to lockers', 'BuybackExecutor', 'stream', at('VeVCAI')),
  fact('the guardian is who it should be', 'Guardian', 'holder', config('guardian'), { start: true }),
];
