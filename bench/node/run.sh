#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures a compute node: its own time between a lease and the first output, what it needs while idle, and how many
# light jobs it runs at once. Prints a table, or with --json one JSON object of the figures that measure.py explains.
# Needs bubblewrap and, for the network around the node, what `tools/dev net` needs.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1:-}" in
  "" | --json) ;;
  *) echo "usage: run.sh [--json]" >&2; exit 2 ;;
esac

. bench/build.sh
build node_bench vcity vcity-worker
exec python3 bench/node/measure.py "$folder" "$@"
