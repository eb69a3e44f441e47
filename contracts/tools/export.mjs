#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes what a program needs to deploy the contracts without Foundry or node:
//   deployments/artifacts.json   name -> {abi, bytecode}
//   deployments/wiring.json      order, constructor arguments, roles and defaults
// With --check it writes nothing and fails if a committed file is not what the sources give.
// Needs a finished `forge build`. The bytecode carries no metadata, so the output depends on the sources alone.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = ['AccessManager', 'DevStable', 'Escrow', 'NodeRegistry', 'Settlement'];

const SETTLEMENT_ROLE = 1;
const PARAMS_ROLE = 2;
const day = 86_400;
const usd = (dollars) => String(dollars * 1_000_000);

// Constructor arguments in order: {"address": NAME} is the address of an earlier contract, {"config": KEY} a value the
// deployer chooses, {"value": ...} a default that the deployer may replace. Tuples are static, so they are encoded
// like their members in line.
const order = [
  { contract: 'AccessManager', arguments: [{ config: 'admin' }] },
  { contract: 'DevStable', arguments: [] },
  {
    contract: 'NodeRegistry',
    arguments: [
      { address: 'AccessManager' },
      { address: 'DevStable' },
      {
        value: {
          computeUsd: usd(100),
          schedulerUsd: usd(1000),
          verifierUsd: usd(100),
          factorFloor: '500000000000000000',
          factorSlope: '1000000000000000000',
          unbondingDelay: String(7 * day),
          period: String(7 * day),
          maxMoveBps: '2500',
        },
      },
      { value: '1000000' },
    ],
  },
  {
    contract: 'Escrow',
    arguments: [
      { address: 'AccessManager' },
      { address: 'DevStable' },
      { value: { withdrawDelay: '3600', capGrace: String(day) } },
    ],
  },
  {
    contract: 'Settlement',
    arguments: [
      { address: 'AccessManager' },
      { address: 'Escrow' },
      { address: 'NodeRegistry' },
      {
        value: {
          treasury: { config: 'treasury' },
          challengeWindow: '3600',
          feeBps: '500',
          slashBps: '1000',
          bountyBps: '1000',
          verdictQuorum: '1',
          bountyCap: usd(100),
        },
      },
    ],
  },
];

const targetRoles = [
  { contract: 'Escrow', role: SETTLEMENT_ROLE, functions: ['charge', 'credit'] },
  { contract: 'NodeRegistry', role: SETTLEMENT_ROLE, functions: ['slash'] },
  { contract: 'NodeRegistry', role: PARAMS_ROLE, functions: ['setParameters'] },
  { contract: 'Escrow', role: PARAMS_ROLE, functions: ['setParameters'] },
  { contract: 'Settlement', role: PARAMS_ROLE, functions: ['setParameters'] },
];

const grants = [
  { role: SETTLEMENT_ROLE, account: { address: 'Settlement' } },
  { role: PARAMS_ROLE, account: { config: 'admin' } },
];

function readArtifact(name) {
  const file = join(root, 'out', `${name}.sol`, `${name}.json`);
  if (!existsSync(file)) throw new Error(`${name} is not built: run "forge build" first`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

const artifacts = new Map(names.map((name) => [name, readArtifact(name)]));

function checkedBytecode(name) {
  const { object, linkReferences } = artifacts.get(name).bytecode;
  if (Object.keys(linkReferences).length !== 0) throw new Error(`${name} has unlinked libraries`);
  return object;
}

function renderArtifacts() {
  const parts = names.map((name) => {
    const abi = artifacts.get(name).abi.map((entry) => `      ${JSON.stringify(entry)}`).join(',\n');
    return `  "${name}": {\n    "abi": [\n${abi}\n    ],\n    "bytecode": "${checkedBytecode(name)}"\n  }`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

function selectorsOf(contract, functions) {
  const known = artifacts.get(contract).methodIdentifiers;
  return functions.map((name) => {
    const signature = Object.keys(known).find((candidate) => candidate.startsWith(`${name}(`));
    if (!signature) throw new Error(`${contract} has no function ${name}`);
    return { signature, selector: `0x${known[signature]}` };
  });
}

function renderWiring() {
  const wiring = {
    roles: { SETTLEMENT_ROLE, PARAMS_ROLE },
    order,
    targetRoles: targetRoles.map(({ contract, role, functions }) => ({
      contract,
      role,
      functions: selectorsOf(contract, functions),
    })),
    grants,
  };
  return `${JSON.stringify(wiring, null, 2)}\n`;
}

const check = process.argv.includes('--check');
let stale = 0;
for (const [name, text] of [['artifacts.json', renderArtifacts()], ['wiring.json', renderWiring()]]) {
  const file = join(root, 'deployments', name);
  if (!check) {
    writeFileSync(file, text);
    console.log(`wrote deployments/${name} (${text.length} bytes)`);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`deployments/${name} is stale: run "node tools/export.mjs" and commit it`);
    stale += 1;
  }
}
if (check && stale === 0) console.log('deployments/ is fresh');
process.exitCode = stale === 0 ? 0 : 1;
