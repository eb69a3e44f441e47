// SPDX-License-Identifier: Apache-2.0
// How the contracts are created, connected and handed over. This file is for people: everything else (plan.json, the
// program that deploys, the tests that check what is left behind) follows from it. See ../../docs/decisions/0016.
//
//   settings     what only the deployer knows; each may be given when deploying
//   creations    in the order of their transactions; an argument may be the address of any of them, a later one too
//   calls        after all creations, in order; each may be repeated without harm, or says what shows that it is done
//   restricted   which role opens which functions
//   members      who holds a role in the end, and nobody else
//
// A plain value in a constructor's arguments is a default that a configuration file may replace, under the name
// Contract.parameter; by() gives production and devnet different ones.
import { Reference } from './abi.mjs';

/** The address of a contract of this plan. */
export const at = (name) => new Reference(`address:${name}`);
/** A setting. */
export const config = (key) => new Reference(`config:${key}`);
/** A default for each profile. */
export const by = (production, devnet) => ({ production, devnet });

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const usd = (dollars) => BigInt(dollars) * 10n ** 6n;

// null: must be given. "": may be left out. "deployer": the account that sends. "now": the time of the first block that
// the deployer saw; "now+60" is a minute later. "address:X": of a contract of this plan.
export const settings = {
  deployer: { type: 'address', ...by('deployer', 'deployer'), about: 'Sends everything; keeps no right.' },
  stable: { type: 'address', ...by(null, ''), about: 'The stablecoin. Left out, a DevStable is made.' },
  treasury: { type: 'address', ...by(null, 'deployer'), about: 'Receives the network fee.' },
};

const authority = at('AccessManager');

export const creations = [
  { name: 'AccessManager', arguments: { initialAdmin: config('deployer') } },
  { name: 'Stable', artifact: 'DevStable', unless: 'stable', arguments: {} },
  {
    name: 'NodeRegistry',
    arguments: {
      authority,
      stakeToken: at('Stable'),
      parameters: {
        minimumCompute: usd(100),
        minimumScheduler: usd(1000),
        minimumVerifier: usd(100),
        unbondingDelay: 7 * day,
      },
    },
  },
  {
    name: 'Escrow',
    arguments: { authority, stable: at('Stable'), parameters: { withdrawDelay: hour, capGrace: day } },
  },
  {
    name: 'Settlement',
    arguments: {
      authority,
      escrow: at('Escrow'),
      registry: at('NodeRegistry'),
      parameters: {
        treasury: config('treasury'),
        challengeWindow: hour,
        feeBps: 500,
        slashBps: 1000,
        bountyBps: 1000,
        verdictQuorum: 1,
        bountyCap: usd(100),
      },
    },
  },
];

export const calls = [];

export const restricted = {
  SETTLEMENT: { Escrow: ['charge', 'credit'], NodeRegistry: ['slash'] },
  PARAMS: { NodeRegistry: ['setParameters'], Escrow: ['setParameters'], Settlement: ['setParameters'] },
};

export const members = {
  SETTLEMENT: [at('Settlement')],
  PARAMS: [config('deployer')],
};

export const admin = config('deployer');
