#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the gas of settlement, whole transactions in steady state, and what of it falls on one job.
# Prints a table, or with --json one JSON object: gas_per_job_1, gas_per_job_100, gas_per_job_10000.
set -euo pipefail
cd "$(dirname "$0")/../../contracts"

format=table
case "${1:-}" in
  "") ;;
  --json) format=json ;;
  *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
esac

tools/install.sh . >&2
. tools/env.sh
FOUNDRY_PROFILE=bench forge test --match-path 'bench/Settle.t.sol' >&2
node - "$format" <<'JS'
const { readFileSync } = require('node:fs');
const gas = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync('snapshots/settle.json', 'utf8'))).map(([name, value]) => [name, Number(value)]),
);
const perJob = (receipts) => gas[`postBatch_${receipts}`] / receipts;
const rounded = (value) => Math.round(value * 10) / 10;
if (process.argv[2] === 'json') {
  const figures = {};
  for (const receipts of [1, 100, 10000]) figures[`gas_per_job_${receipts}`] = rounded(perJob(receipts));
  console.log(JSON.stringify(figures));
} else {
  const number = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const row = (...cells) =>
    console.log(`${cells[0].padEnd(52)}${cells[1].padStart(12)}${(cells[2] ?? '').padStart(14)}`);
  const batch = (receipts, clients, nodes) =>
    row(
      `postBatch: ${number(receipts)} receipts, ${clients} clients, ${nodes} nodes`,
      number(gas[`postBatch_${receipts}`]),
      number(perJob(receipts)),
    );
  const withClaims = gas.postBatch_10000 + 50 * gas.claim;
  row('settlement, gas of whole transactions', 'gas', 'gas per job');
  batch(1, 1, 1);
  batch(100, 10, 10);
  batch(10000, 100, 50);
  row('  the last with a claim of every node', number(withClaims), number(withClaims / 10000));
  row('anchor: iExec, one job (published)', '', '732k - 1.65M');
  row('anchor: Prime, one job (published)', '', '236k');
  row('goal at 10,000 receipts', '', 'under 500');
  console.log('');
  row('once per node, client, cap or agreement', 'gas');
  for (const name of Object.keys(gas)) {
    if (!name.startsWith('postBatch_')) row(name, number(gas[name]));
  }
}
JS
