#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes what a program needs to deploy the contracts and to speak to them without Foundry or node:
//   deployments/artifacts.json   name -> {abi, bytecode}
//   deployments/plan.json        plan.mjs, encoded: what to send in which order, and what must hold in the end
// With --check it writes nothing and fails if a committed file is not what the sources give.
// Needs a finished `forge build`. The bytecode carries no metadata, so the output depends on the sources alone.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePlan } from './encode_plan.mjs';
import { creations } from './plan.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

// Without ABI or code of ours: made by others, kept as they published them.
const thirdParty = existsSync(join(root, 'deployments/third_party/uniswap-v2.json'))
  ? read('deployments/third_party/uniswap-v2.json').contracts
  : {};
const ours = [...new Set(creations.map(({ name, artifact }) => artifact ?? name))]
  .filter((name) => !thirdParty[name])
  .sort();

function readArtifact(name) {
  const file = join('out', `${name}.sol`, `${name}.json`);
  if (!existsSync(join(root, file))) throw new Error(`${name} is not built: run "forge build" first`);
  const { abi, bytecode, methodIdentifiers } = read(file);
  if (Object.keys(bytecode.linkReferences).length !== 0) throw new Error(`${name} has unlinked libraries`);
  return { abi, bytecode: bytecode.object, methodIdentifiers };
}

const artifacts = Object.fromEntries(ours.map((name) => [name, readArtifact(name)]));

function renderArtifacts() {
  const parts = ours.map((name) => {
    const abi = artifacts[name].abi.map((entry) => `      ${JSON.stringify(entry)}`).join(',\n');
    return `  "${name}": {\n    "abi": [\n${abi}\n    ],\n    "bytecode": "${artifacts[name].bytecode}"\n  }`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

function roleIds() {
  const source = readFileSync(join(root, 'src/Roles.sol'), 'utf8');
  return Object.fromEntries([...source.matchAll(/constant (\w+) = (\d+);/g)].map(([, name, id]) => [name, Number(id)]));
}

const check = process.argv.includes('--check');
let stale = 0;
const plan = encodePlan({ ...thirdParty, ...artifacts }, roleIds());
for (const [name, text] of [['artifacts.json', renderArtifacts()], ['plan.json', plan]]) {
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
