#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rebuilds the model from nothing: packages, text, tokenizer, weights, loss curve. About 65 minutes on one free core.
# Usage: reproduce.sh [work folder]   (needs what `tools/dev setup` installs, and the package sentencepiece)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$root/build/vcity-mini-bilingual}
mkdir -p "$work"
python3 "$here/prepare_data.py" --packages "$work/packages" --out "$work/data"
cmake --preset release -S "$root"
ninja -C "$root/build/release" vcity-worker
OMP_NUM_THREADS=1 "$root/build/release/apps/worker/vcity-worker" train \
    --config "$here/train.json" --data "$work/data" --out "$work/model"
python3 "$here/draw_loss.py" "$work/model/loss.csv" "$work/model/loss.svg"
sha256sum "$work/model/model.safetensors" "$here/model.safetensors"
