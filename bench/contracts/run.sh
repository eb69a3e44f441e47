#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the gas of the contracts' operations, whole transactions, and sets it beside the goals and the peers.
# Prints a table, or with --json one JSON object {"gas_<name>": number}. Writes contracts/snapshots/*.json.
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
FOUNDRY_PROFILE=bench forge test >&2
node ../bench/contracts/table.mjs "$format"
