#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Computes the tables of docs/audit-economics.md. Prints them, or with --json one JSON object of
# stake_over_price_p<rate per mille>_d<saving in percent of the price>.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-}" in
  "" | --json) ;;
  *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
esac

folder="${VCITY_BENCH_BUILD:-build/release}"
if [ -z "${VCITY_BENCH_BUILD:-}" ]; then
  cmake --preset release -B "$folder" >&2
  ninja -C "$folder" economics_table >&2
fi
exec "$folder/bench/economics/economics_table" "$@"
