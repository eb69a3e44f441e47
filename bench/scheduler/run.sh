#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures jobs per second of schedulers over the network with durable commits, beside a Slurm controller where one is
# installed (apt-get install --no-install-recommends slurm-wlm libslurm-dev munge). Prints a table, or with --json one
# JSON object of the figures that measure.py explains.
set -euo pipefail
cd "$(dirname "$0")/../.."

words=()
while [ $# -gt 0 ]; do
  case "$1" in
    --json) words+=(--json); shift ;;
    *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
  esac
done

. bench/build.sh
build vcity scheduler_load scheduler_core
tools/dev setup >&2
if [ -z "$(PYTHONPATH=tools:bench/scheduler python3 -c 'import slurm; print(slurm.why_not() or "")')" ]; then
  clang++-19 -O2 -std=c++20 bench/scheduler/slurm_load.cpp -o "$folder/bench/scheduler/slurm_load" -lslurm
  words+=(--slurm-load "$folder/bench/scheduler/slurm_load")
fi
exec python3 bench/scheduler/measure.py --programs "$folder" "${words[@]}"
