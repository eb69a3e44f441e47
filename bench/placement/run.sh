#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exact placements per second at 100,000 and 1,000,000 units beside a full scan that checks them, and how well they pack
# on the FGD procedure beside FGD and BestFit. Prints tables, or with --json one JSON object of the figures measure.py
# explains. --data DIR: a folder with the layout of traces/openb; the latencies are taken from latency/ beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

. bench/build.sh
build placement_throughput placement_fgd
exec python3 bench/placement/measure.py "$folder/bench/placement" "$@"
