#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the verifier: processor time of an audit, bytes of an opening, detection of cheats and false rejections by
# simulation with the real checker, and the honest statistics against their analytic bounds; and what committing costs
# the worker (bench/overhead, left out where libtorch is not installed). Prints a table, or with --json one JSON object.
# --full takes about an hour; what is recorded in docs/results comes from it.
set -euo pipefail
cd "$(dirname "$0")/../.."

only=""
json=""
for option in "$@"; do
  case "$option" in
    --json) json=--json ;;
    --full) ;;
    --only=cost | --only=distribution | --only=detection | --only=overhead) only="${option#--only=}" ;;
    *) echo "usage: run.sh [--json] [--full] [--only=cost|distribution|detection|overhead]" >&2; exit 2 ;;
  esac
done
if [ "$only" = overhead ]; then exec bash bench/overhead/run.sh $json; fi

. bench/build.sh
build verify_bench
verifier() { nice -n 15 "$folder/bench/verify/verify_bench" "$@"; }
if [ -n "$only" ]; then
  verifier "$@"
elif [ -z "$json" ]; then
  verifier "$@"
  bash bench/overhead/run.sh || echo "the overhead on the worker was not measured" >&2
else
  first="$(verifier "$@")"
  second="$(bash bench/overhead/run.sh --json || echo '{}')"
  printf '%s\n%s\n' "$first" "$second" | python3 -c '
import json, sys
decoder, text = json.JSONDecoder(), sys.stdin.read()
first, end = decoder.raw_decode(text)
second, _ = decoder.raw_decode(text[end:].lstrip())
print(json.dumps({**first, **second}))'
fi
