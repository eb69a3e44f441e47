#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh FOLDER: npm ci in FOLDER, unless what is installed there fits its lock file. Safe to run at the same time.
set -euo pipefail
cd "$1"
mark=node_modules/.package-lock.json
exec 9>.install.lock
flock 9
if [ ! -f "$mark" ] || [ package-lock.json -nt "$mark" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  touch "$mark"
fi
