#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plays every scripted forgery of a card's capacity and honest nodes against the verifier, and one real session with
# this machine's processor. Prints the confusion matrix and timings, or with --json one JSON object:
#   capacity_forgeries_rejected_percent  over all forgeries and trials
#   capacity_honest_rejected             fraction of the honest sessions
#   capacity_seconds                     of the real session, verifier and prover on this machine
#   capacity_gpu_time_percent_per_day    that session's length in percent of a day
# Arguments besides: trials of each forgery, honest sessions.
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
build capacity_bench
exec "$folder/bench/capacity/capacity_bench" "${words[@]}"
