// SPDX-License-Identifier: Apache-2.0
// The gas snapshots as a table: first what has a goal, with the peers' figures, then everything else by area.
import { readFileSync, readdirSync } from 'node:fs';

// figure name, what it is, area and operation of the snapshot, goal, what the peers need for the same
const goals = [
  ['lock_create', 'create a lock (week in use)', 'governance', 'lock_create_used_week', 115_000, 'Velodrome V2 396k'],
  ['lock_create_new_week', 'create a lock (new week)', 'governance', 'lock_create_new_week', 138_000, 'Velodrome V2 396k'],
  ['claim', 'claim rewards, any time later', 'governance', 'claim_after_50_weeks', 60_000, 'Velodrome V2 216k - 1.34M'],
  ['notify', 'fund the reward stream', 'governance', 'notify', 60_000, ''],
  ['vote_snapshot', 'snapshot for a vote', 'governance', 'snapshot', 65_000, 'a checkpoint per lock change'],
  ['settle_per_job', 'settle, per job at 10,000 a batch', 'settle', 'postBatch_10000', 500, 'iExec 1.65M, Prime 236k', 10_000],
  ['register', 'register a node with stake', 'network', 'register', 200_000, 'Prime 1.02M'],
  ['agent_mint', 'mint an agent (not the first)', 'agents', 'mint', 160_000, ''],
  ['agent_mint_first', 'mint an agent (the very first)', 'agents', 'mint_first', 160_000, ''],
  ['reward_post', 'post a reward root, with bond', 'treasury', 'postRoot', 60_000, ''],
  ['reward_claim', 'claim a reward, 131k leaves', 'treasury', 'claim_depth17', 55_000, 'prototype 58k, without budgets'],
  ['buyback', 'buy back on the exchange', 'treasury', 'buyback_with_ve', 165_000, 'a bare swap 88k - 133k'],
];

const areas = new Map();
for (const file of readdirSync('snapshots').filter((name) => name.endsWith('.json')).sort()) {
  const entries = Object.entries(JSON.parse(readFileSync(`snapshots/${file}`, 'utf8')));
  areas.set(file.replace('.json', ''), new Map(entries.map(([name, gas]) => [name, Number(gas)])));
}

const measured = goals.flatMap(([name, title, area, operation, goal, peers, share = 1]) => {
  const gas = areas.get(area)?.get(operation);
  return gas === undefined ? [] : [{ name, title, gas: Math.round((gas / share) * 10) / 10, goal, peers }];
});

if (process.argv[2] === 'json') {
  console.log(JSON.stringify(Object.fromEntries(measured.map(({ name, gas }) => [`gas_${name}`, gas]))));
} else {
  const number = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  console.log(`${'whole transactions'.padEnd(36)}${'gas'.padStart(10)}${'goal'.padStart(10)}        peers`);
  for (const { title, gas, goal, peers } of measured) {
    const mark = gas <= goal ? 'met' : 'over';
    console.log(`${title.padEnd(36)}${number(gas).padStart(10)}${number(goal).padStart(10)}  ${mark.padEnd(4)}  ${peers}`);
  }
  for (const [area, operations] of areas) {
    console.log(`\n${area}`);
    for (const [name, gas] of operations) console.log(`  ${name.padEnd(44)}${number(gas).padStart(12)}`);
  }
}
