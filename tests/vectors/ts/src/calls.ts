// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  type Abi,
  type AbiEvent,
  type AbiParameter,
  type Hex,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionData,
  getAbiItem,
  keccak256,
  stringToHex,
  toEventSelector,
  toEventSignature,
  toFunctionSelector,
  toFunctionSignature,
} from 'viem';
import { type Value, type VectorFile, addressOf, plain } from './common.js';
import { caps, receipts, verdicts } from './typed.js';

const artifactsUrl = new URL('../../../../contracts/deployments/artifacts.json', import.meta.url);
const artifacts = JSON.parse(readFileSync(artifactsUrl, 'utf8')) as Record<string, { abi: Abi }>;

export function abiOf(contract: string): Abi {
  const artifact = artifacts[contract];
  if (!artifact) throw new Error(`no artifact of ${contract}`);
  return artifact.abi;
}

function itemOf(contract: string, name: string, type: 'function' | 'event' | 'error') {
  const item = getAbiItem({ abi: abiOf(contract).filter((entry) => entry.type === type), name });
  if (!item || item.type !== type) throw new Error(`${contract} has no ${type} ${name}`);
  return item as { type: typeof type; name: string; inputs: readonly AbiParameter[] };
}

// Structs as arrays in the order of their fields, as they stand in the ABI.
function ordered(parameter: AbiParameter, value: unknown): Value {
  if (parameter.type.endsWith('[]')) {
    const element = { ...parameter, type: parameter.type.slice(0, -2) };
    return (value as unknown[]).map((item) => ordered(element, item));
  }
  if (!('components' in parameter)) return plain(value);
  const fields = value as Record<string, unknown>;
  return parameter.components.map((component) => ordered(component, fields[component.name!]));
}

const h = (text: string): Hex => keccak256(stringToHex(text));
const signature = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(64)}1b`;

const batch = {
  index: 3n,
  receiptsRoot: h('receipts'),
  earningsRoot: h('earnings'),
  receiptCount: 10_000,
  totalEarned: 9_500_000n,
  unitsConsumed: 1_234_567n,
  unitsAvailable: 7_654_321n,
};
const charges = [
  { capId: h('cap 1'), amount: 6_000_000n },
  { capId: h('cap 2'), amount: 4_000_000n },
];
const signed = { receipt: receipts.typical, nodeSignature: signature(1), schedulerSignature: signature(2) };
const registration = {
  role: 0,
  kind: 1,
  gpuModel: h('no gpu'),
  gpuCount: 2,
  vramMib: 98_304,
  region: stringToHex('eu-central', { size: 32 }),
  endpointKey: h('endpoint'),
  didDocumentUri: 'https://node.example/did.json',
  stake: 100_000_000n,
};
const registryParameters = {
  computeUsd: 100_000_000n,
  schedulerUsd: 1_000_000_000n,
  verifierUsd: 100_000_000n,
  factorFloor: 5n * 10n ** 17n,
  factorSlope: 10n ** 18n,
  unbondingDelay: 604_800,
  period: 604_800,
  maxMoveBps: 2_500,
};
const proof = [h('sibling 0'), h('sibling 1')];
const posted = { scheduler: addressOf('scheduler'), index: 3n, signed, proof, charges };

const calls: [string, string, unknown[]][] = [
  ['Settlement', 'postBatch', [batch, charges]],
  ['Settlement', 'postBatch', [{ ...batch, index: 0n, receiptCount: 1 }, []]],
  ['Settlement', 'claim', [addressOf('scheduler'), 3n, addressOf('node'), 1_234_567n, proof]],
  ['Settlement', 'claim', [addressOf('scheduler'), 0n, addressOf('node'), 1n, []]],
  ['FraudProofs', 'challengeReceipt', [1, posted, '0x']],
  ['FraudProofs', 'challengeByVerdict', [posted, [verdicts.rejected], [signature(3)]]],
  ['Settlement', 'nextIndex', [addressOf('scheduler')]],
  ['Settlement', 'batchOf', [addressOf('scheduler'), 3n]],
  ['Escrow', 'openCap', [caps.typical, signature(4)]],
  ['Escrow', 'deposit', [addressOf('client'), 50_000_000n]],
  ['Escrow', 'requestWithdraw', [1_000_000n]],
  ['Escrow', 'withdraw', []],
  ['Escrow', 'releaseCap', [h('cap 1')]],
  ['Escrow', 'cancelNonce', [7n]],
  ['Escrow', 'caps', [h('cap 1')]],
  ['NodeRegistry', 'register', [registration]],
  ['NodeRegistry', 'topUp', [5_000_000n]],
  ['NodeRegistry', 'requestUnbond', [5_000_000n]],
  ['NodeRegistry', 'isActive', [addressOf('scheduler'), 1]],
  ['NodeRegistry', 'setParameters', [registryParameters]],
  ['VeVCAI', 'lock', [1_500n * 10n ** 18n, 208n]],
  ['RewardRoots', 'claim', [1, addressOf('node'), 10n ** 20n, proof]],
  ['DevStable', 'mint', [addressOf('client'), 1_000_000_000n]],
  ['DevStable', 'approve', [addressOf('deployer'), 1_000_000_000n]],
  ['AccessManager', 'setTargetFunctionRole', [addressOf('deployer'), ['0x12345678', '0x9abcdef0'], 1n]],
  ['AccessManager', 'grantRole', [1n, addressOf('deployer'), 0]],
];

export function callFile(): VectorFile {
  return {
    description:
      'Calldata: selector and ABI encoding of arguments; a struct stands as the array of its fields, see signature',
    cases: calls.map(([contract, name, args]) => {
      const item = itemOf(contract, name, 'function');
      return {
        contract,
        signature: toFunctionSignature(item as never),
        selector: toFunctionSelector(item as never),
        arguments: item.inputs.map((input, i) => ordered(input, args[i])),
        calldata: encodeFunctionData({ abi: abiOf(contract), functionName: name, args } as never),
      };
    }),
  };
}

const scheduler = addressOf('scheduler');
const client = addressOf('client');
const node = addressOf('node');

const events: [string, string, Record<string, unknown>][] = [
  [
    'Settlement',
    'BatchPosted',
    { scheduler, ...batch, totalCharged: 10_000_000n, fee: 500_000n },
  ],
  ['Settlement', 'Charged', { scheduler, index: 3n, capId: h('cap 1'), amount: 6_000_000n }],
  ['Settlement', 'Claimed', { scheduler, node, index: 3n, amount: 1_000n, claimed: 3_000n }],
  [
    'Settlement',
    'ReceiptVoided',
    { scheduler, index: 3n, receiptHash: h('receipt'), fault: 3, client, node, credited: 100n, nodeShare: 95n },
  ],
  [
    'SlashingCourt',
    'CaseExecuted',
    {
      caseId: 7n,
      accused: node,
      victim: client,
      paidUsd: 5n,
      paidVcai: 2n * 10n ** 18n,
      bounty: 10n ** 18n,
      toTreasury: 97n * 10n ** 18n,
      shortfallUsd: 0n,
    },
  ],
  ['Escrow', 'Deposited', { client, payer: addressOf('deployer'), amount: 50_000_000n }],
  ['Escrow', 'CapOpened', { capId: h('cap 1'), ...caps.typical }],
  ['Escrow', 'CapReleased', { capId: h('cap 1'), client, unspent: 19n }],
  ['NodeRegistry', 'Registered', { identity: node, role: 0, kind: 1, stake: 100_000_000n }],
  ['NodeRegistry', 'EndpointUpdated', { identity: node, ...registration }],
];

export function eventFile(): VectorFile {
  return {
    description: 'Event logs: topics and data; arguments in the order of the signature, indexed ones among them',
    cases: events.map(([contract, name, args]) => {
      const item = itemOf(contract, name, 'event') as unknown as AbiEvent;
      const plainInputs = item.inputs.filter((input) => !input.indexed);
      return {
        contract,
        signature: toEventSignature(item),
        topic0: toEventSelector(item),
        arguments: item.inputs.map((input) => ordered(input, args[input.name!])),
        indexed: item.inputs.map((input) => input.indexed === true),
        topics: encodeEventTopics({ abi: [item], eventName: name, args } as never) as Hex[],
        data: encodeAbiParameters(plainInputs, plainInputs.map((input) => args[input.name!])),
      };
    }),
  };
}

const errors: [string, string, unknown[]][] = [
  ['Settlement', 'BatchIndexMismatch', [4n, 3n]],
  ['Settlement', 'SchedulerInactive', [scheduler]],
  ['Settlement', 'NothingToClaim', [scheduler, node]],
  ['Settlement', 'BatchNotFinal', [scheduler, 3n, 1_795_341_605]],
  ['Escrow', 'CapExceeded', [h('cap 1'), 5n, 6n]],
  ['Escrow', 'NonceUsed', [client, 1n]],
  ['Escrow', 'BadCapSignature', [client, h('digest')]],
  ['NodeRegistry', 'AlreadyRegistered', [node]],
  ['VeVCAI', 'StillLocked', [client, 1_800_000_000n]],
  ['RewardRoots', 'NothingToClaim', [1, node, 10n ** 18n, 10n ** 18n]],
  ['NodeRegistry', 'StakeBelowMinimum', [1, 1_000_000_000n, 5n]],
];

export function errorFile(): VectorFile {
  return {
    description: 'Revert data of custom errors: the first four bytes of the signature hash, then the arguments',
    cases: errors.map(([contract, name, args]) => {
      const item = itemOf(contract, name, 'error');
      const data = encodeErrorResult({ abi: abiOf(contract), errorName: name, args } as never) as Hex;
      return {
        contract,
        signature: toFunctionSignature({ ...item, type: 'function' } as never),
        selector: data.slice(0, 10),
        arguments: item.inputs.map((input, i) => ordered(input, args[i])),
        data,
      };
    }),
  };
}
