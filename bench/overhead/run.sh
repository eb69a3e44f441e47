#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what committing to its work costs a worker, on a random model of Llama-3.2-1B's shape in bf16 and on the
# shipped model. Prints a table, or with --json one JSON object of the figures measure.py explains. Needs 3 GB of memory
# and 2 GB of disk; on a GPU (a libtorch with CUDA, VCITY_BENCH_DEVICE=cuda) also batches of 64.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-}" in
  "" | --json) ;;
  *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
esac

. bench/build.sh
build overhead_bench
exec python3 bench/overhead/measure.py "$folder/bench/overhead" "$@"
