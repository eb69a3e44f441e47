#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests of the contracts and of the shared vectors: installs what is missing, builds, tests, checks that the
# committed artifacts and reference pages are fresh. Ends non-zero on the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh .
tools/install.sh ../tests/vectors/ts
. tools/env.sh
forge fmt --check
forge build
forge test
node tools/export.mjs --check
node tools/docs.mjs --check
npm --prefix ../tests/vectors/ts --loglevel=error test
