#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the autoscaler's forecaster with last-value scaling on the ServeGen and Azure traces, at equal GPU-hours.
# Prints a table, or with --json one JSON object of the figures that table.py explains. --data FOLDER: the traces.
set -euo pipefail
cd "$(dirname "$0")/../.."

data=../shared/data/traces/llm
words=()
while [ $# -gt 0 ]; do
  case "$1" in
    --json) words+=(--json); shift ;;
    --data) data="${2:?--data needs a folder}"; shift 2 ;;
    *) echo "usage: run.sh [--json] [--data FOLDER]" >&2; exit 2 ;;
  esac
done

. bench/build.sh
build autoscaler_bench
exec python3 bench/autoscaler/table.py "$folder/bench/autoscaler/autoscaler_bench" "$data" "${words[@]}"
