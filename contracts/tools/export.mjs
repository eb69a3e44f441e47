#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes what a program needs to deploy the contracts and to speak to them without Foundry or node:
//   deployments/artifacts.json   name -> {abi, bytecode}
//   deployments/third_party/     the same of contracts that others wrote
//   deployments/plan.json        plan.mjs, encoded: what to send in which order, and what must hold in the end
// With --check it writes nothing and fails if a committed file is not what the sources give.
// Needs a finished `forge build`. The bytecode carries no metadata, so the output depends on the sources alone.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sha3 from 'js-sha3'; // of solc
import { canonicalSignature } from './abi.mjs';
import { encodePlan } from './encode_plan.mjs';
import { creations } from './plan.mjs';

const { keccak256 } = sha3;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

const thirdParty = uniswap();
const ours = [...new Set(creations.map(({ name, artifact }) => artifact ?? name))]
  .filter((name) => !thirdParty[name])
  .sort();

// As its authors published it; see deployments/third_party/README.md.
function uniswap() {
  const build = ['node_modules', '@uniswap', 'v2-core', 'build'];
  return Object.fromEntries(['UniswapV2Factory', 'UniswapV2Pair'].map((name) => {
    const { abi, bytecode } = read(...build, `${name}.json`);
    const signatures = abi.filter(({ type }) => type === 'function').map(canonicalSignature);
    const methodIdentifiers = Object.fromEntries(signatures.map((text) => [text, keccak256(text).slice(0, 8)]));
    return [name, { abi, bytecode: `0x${bytecode}`, methodIdentifiers }];
  }));
}

function readArtifact(name) {
  const file = join('out', `${name}.sol`, `${name}.json`);
  if (!existsSync(join(root, file))) throw new Error(`${name} is not built: run "forge build" first`);
  const { abi, bytecode, methodIdentifiers } = read(file);
  if (Object.keys(bytecode.linkReferences).length !== 0) throw new Error(`${name} has unlinked libraries`);
  return { abi, bytecode: bytecode.object, methodIdentifiers };
}

const artifacts = Object.fromEntries(ours.map((name) => [name, readArtifact(name)]));

function renderArtifacts(all) {
  const parts = Object.keys(all).map((name) => {
    const abi = all[name].abi.map((entry) => `      ${JSON.stringify(entry)}`).join(',\n');
    return `  "${name}": {\n    "abi": [\n${abi}\n    ],\n    "bytecode": "${all[name].bytecode}"\n  }`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

function roleIds() {
  const source = readFileSync(join(root, 'src/Roles.sol'), 'utf8');
  return Object.fromEntries([...source.matchAll(/constant (\w+) = (\d+);/g)].map(([, name, id]) => [name, Number(id)]));
}

/** Contract -> names of the functions with the modifier `restricted`, its base contracts' included. */
function restrictedFunctions() {
  const own = {};
  const bases = {};
  const walk = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]);
  for (const file of walk(join(root, 'src')).filter((name) => name.endsWith('.sol'))) {
    const text = readFileSync(file, 'utf8').replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
    const match = /\bcontract\s+(\w+)(?:\s+is\s+([^{]+))?\{/.exec(text);
    if (!match) continue;
    bases[match[1]] = (match[2] ?? '').split(',').map((base) => base.trim().replace(/\(.*/, '')).filter(Boolean);
    const functions = [...text.matchAll(/function\s+(\w+)\s*\([^)]*\)([^{;]*)\{/g)];
    own[match[1]] = functions.filter(([, , rest]) => /\brestricted\b/.test(rest)).map(([, name]) => name);
  }
  const all = (name) => [...(own[name] ?? []), ...(bases[name] ?? []).flatMap(all)];
  return Object.fromEntries(Object.keys(own).map((name) => [name, [...new Set(all(name))]]));
}

const check = process.argv.includes('--check');
let stale = 0;
const plan = encodePlan({ ...thirdParty, ...artifacts }, roleIds(), restrictedFunctions());
const files = {
  'artifacts.json': renderArtifacts(artifacts),
  'third_party/uniswap-v2.json': renderArtifacts(thirdParty),
  'plan.json': plan,
};
for (const [name, text] of Object.entries(files)) {
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
