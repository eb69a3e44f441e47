#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures how many replicas the router chooses per second on one core, and replays the Mooncake conversation trace
# against simpler rules. Prints tables, or with --json one JSON object of the figures that table.py explains.
# --data FOLDER: where conversation_trace.jsonl.gz is.
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
build router_bench
exec python3 bench/router/table.py "$folder/bench/router/router_bench" "$data" "${words[@]}"
