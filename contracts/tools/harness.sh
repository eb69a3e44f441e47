#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles the arithmetic harness alone, for tests that run it on a chain; says where the artifact is.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh . >&2
. tools/env.sh
export FOUNDRY_SRC=src/types FOUNDRY_TEST=test/utils FOUNDRY_OUT=out/harness FOUNDRY_CACHE_PATH=cache/harness
forge build --silent test/utils/ArithmeticHarness.sol >&2
echo "$PWD/out/harness/ArithmeticHarness.sol/ArithmeticHarness.json"
