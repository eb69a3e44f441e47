#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Honest and cheating endpoints, all made from models/vcity-mini-bilingual, before the black-box test: how many honest
# runs become suspicious, and after how many tokens the cheats do. Prints a table, or with --json one JSON object:
# prompts; for each endpoint its mean .difference and .margin, and for the test with a sample of an honest endpoint
# (.sample) and with the declared tolerance (.declared): .runs, .suspicious, .consistent, .tokens_median, .tokens_p90;
# false_alarms_of_2000_at_5_percent.
set -euo pipefail
cd "$(dirname "$0")/../.."

format=table
case "${1:-}" in
  "") ;;
  --json) format=json ;;
  *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
esac

. bench/build.sh
build blackbox_stand
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 bench/blackbox/prompts.py > "$work/prompts"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
"$folder/bench/blackbox/blackbox_stand" measure models/vcity-mini-bilingual "$work/prompts" "$work" "$format"
