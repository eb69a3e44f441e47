#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The fraud laboratory: every cheat against the real verifier, repeated, with the honest beside them. Prints one table,
# or with --json one JSON object. TRIALS: of each cheat (default 20); HONEST: honest answers (default 100).
set -euo pipefail
cd "$(dirname "$0")/../.."

words=()
for word in "$@"; do
  case "$word" in
    --json | [0-9]*) words+=("$word") ;;
    *) echo "usage: run.sh [--json] [TRIALS] [HONEST]" >&2; exit 2 ;;
  esac
done

. bench/build.sh
build laboratory_bench capacity_bench scenario_test
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec python3 bench/fraud/table.py "$folder" "${words[@]}"
