// SPDX-License-Identifier: Apache-2.0
// Written by tools/abis.mjs from the contracts' build: do not edit.

export const ruleTables = {
  AgentMarket: {
    treasury: "address",
    commissionBps: "uint16",
  },
  AgentNFT: {
    treasury: "address",
    creationFee: "uint64",
  },
  Agreements: {
    treasury: "address",
    disputeWindow: "uint32",
    renewalGrace: "uint32",
  },
  BuybackExecutor: {
    interval: "uint32",
    depthBps: "uint16",
    toleranceBps: "uint16",
    minimumSpend: "uint64",
    maximumSpend: "uint64",
  },
  Escrow: {
    withdrawDelay: "uint64",
    capGrace: "uint64",
  },
  FraudProofs: {
    court: "address",
    verdictQuorum: "uint8",
    badSignature: "uint8",
    overQuote: "uint8",
    duplicate: "uint8",
    rejectedByVerifiers: "uint8",
    foreignScheduler: "uint8",
    impossibleTimes: "uint8",
    uncoveredClient: "uint8",
    earningsTooLow: "uint8",
    chargeAboveReceipts: "uint8",
  },
  IncentiveController: {
    periodLength: "uint32",
    releaseShare: "uint64",
    gain: "uint64",
    target: "uint64",
    pocShare: "uint64",
  },
  LicenseManager: {
    minTerm: "uint64",
    maxTerm: "uint64",
    refundDelay: "uint64",
    ratingThreshold: "uint64",
  },
  NetworkFee: {
    minimumPpm: "uint32",
    maximumPpm: "uint32",
    feePeriod: "uint32",
    unitsMaximum: "uint64",
  },
  NodeRegistry: {
    computeUsd: "uint64",
    schedulerUsd: "uint64",
    verifierUsd: "uint64",
    factorFloor: "uint64",
    factorSlope: "uint64",
    unbondingDelay: "uint32",
    period: "uint32",
    maxMoveBps: "uint16",
  },
  RevenueSplitter: {
    treasury: "address",
    platformBps: "uint16",
  },
  RewardRoots: {
    delay: "uint40",
    winnerBps: "uint16",
    postBond: "uint96",
    disputeBond: "uint96",
  },
  Settlement: {
    treasury: "address",
    challengeWindow: "uint32",
  },
  SlashingCourt: {
    minorBps: "uint16",
    mediumBps: "uint16",
    bountyBps: "uint16",
    maxRounds: "uint8",
    answerPeriod: "uint32",
    appealWindow: "uint32",
    suspensionPeriod: "uint32",
    bountyCap: "uint128",
    accusationBond: "uint128",
    appealBond: "uint128",
    maxLossUsd: "uint128",
  },
  Treasury: {
    reserveTarget: "uint128",
  },
  TwapOracle: {
    window: "uint32",
    maximumAge: "uint32",
    minimumReserve: "uint64",
    fallbackPrice: "uint128",
  },
  VCAIGovernor: {
    discussion: "uint32",
    openWindow: "uint32",
    voting: "uint32",
    queueWindow: "uint32",
    executeWindow: "uint32",
    proposerThreshold: "uint96",
  },
  VeVCAI: {
    linearBelow: "uint256",
  },
  VerifierSet: {
    committeeSize: "uint8",
    minimumCommittee: "uint8",
    quorumBps: "uint16",
    drawDelay: "uint16",
  },
} as const;
