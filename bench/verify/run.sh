#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the verifier: processor time of an audit, bytes of an opening, detection of cheats and false rejections by
# simulation with the real checker, and the honest statistics against their analytic bounds. Prints a table, or with
# --json one JSON object. --full takes about an hour; what is recorded in docs/results comes from it.
set -euo pipefail
cd "$(dirname "$0")/../.."

for option in "$@"; do
  case "$option" in
    --json | --full | --only=cost | --only=distribution | --only=detection) ;;
    *) echo "usage: run.sh [--json] [--full] [--only=cost|distribution|detection]" >&2; exit 2 ;;
  esac
done

folder="${VCITY_BENCH_BUILD:-build/release}"
if [ -z "${VCITY_BENCH_BUILD:-}" ]; then
  cmake --preset release -B "$folder" >&2
  ninja -C "$folder" verify_bench >&2
fi
exec nice -n 15 "$folder/bench/verify/verify_bench" "$@"
