#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# invoice_font.sh: writes src/pages/account/invoice-zh.ttf, the letters of the Chinese invoice out of Droid Sans Fallback
# (Apache-2.0). Needs fonts-droid-fallback and python3-fonttools; a unit test says when a letter is missing.
set -euo pipefail
cd "$(dirname "$0")/../src/pages/account"
letters=$(mktemp)
trap 'rm -f "$letters"' EXIT
grep -oP '[^\x00-\x7F]' invoice.ts | sort -u | tr -d '\n' > "$letters"
/usr/bin/python3 -m fontTools.subset /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf \
    --text-file="$letters" --output-file=invoice-zh.ttf --no-hinting --layout-features='' --name-IDs='*'
