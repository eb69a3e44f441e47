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

. bench/build.sh
build economics_table
exec "$folder/bench/economics/economics_table" "$@"
