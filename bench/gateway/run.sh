#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the gateway adds to a request, and how many it takes per second, beside nginx as a plain reverse proxy
# in the same run. Prints a table, or with --json one JSON object of the figures measure.py explains.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-}" in
  "" | --json | --seconds) ;;
  *) echo "usage: run.sh [--json] [--seconds N]   N: how long the streams are held (goal: 600, at most 1000)" >&2
     exit 2 ;;
esac

for program in nginx wrk clang++-19 cmake ninja; do
  command -v "$program" > /dev/null || { tools/dev setup >&2; break; }
done
. bench/build.sh
build gateway_stand
exec python3 bench/gateway/measure.py "$folder/bench/gateway/gateway_stand" "$@"
