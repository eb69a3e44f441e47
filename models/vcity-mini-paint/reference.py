#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes reference.safetensors: what the parts of the stored model make of fixed inputs, by layout.py. The C++ code is held to
it (apps/worker/diffusion/painter_test.cpp)."""
import json
import math
import pathlib
import struct

import numpy as np
import torch

import layout
import words

HERE = pathlib.Path(__file__).resolve().parent
PROMPT, SEED, STEPS, GUIDANCE = "a red circle on a blue background", 7, 4, 3.0


def load(module, path):
    blob = (HERE / path).read_bytes()
    size = struct.unpack("<Q", blob[:8])[0]
    state = {}
    for name, entry in json.loads(blob[8:8 + size]).items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        state[name] = torch.from_numpy(np.frombuffer(blob[begin:end], np.float16).astype(np.float32).reshape(entry["shape"]))
    module.load_state_dict(state)
    return module


def normal_numbers(seed, count):
    """SplitMix64, then Box and Muller."""
    state, out = seed, []

    def uniform():
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) % 2 ** 64
        mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2 ** 64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2 ** 64
        return (((mixed ^ mixed >> 31) >> 11) + 1) * 2.0 ** -53

    while len(out) < count:
        radius, angle = math.sqrt(-2 * math.log(uniform())), 2 * math.pi * uniform()
        out += [radius * math.cos(angle), radius * math.sin(angle)]
    return torch.tensor(out[:count], dtype=torch.float32)


def main():
    torch.set_num_threads(1)
    tokenizer = words.Tokenizer()
    text = load(layout.TextEncoder(len(tokenizer.ids)), "text_encoder/model.safetensors")
    unet = load(layout.UNet(), "unet/diffusion_pytorch_model.safetensors")
    vae = load(layout.Vae(), "vae/diffusion_pytorch_model.safetensors")
    scaling = json.loads((HERE / "vae/config.json").read_text())["scaling_factor"]
    with torch.no_grad():
        noise = normal_numbers(SEED, 256).reshape(1, 4, 8, 8)
        context, empty = (text(torch.tensor([tokenizer.encode(prompt)])) for prompt in (PROMPT, ""))
        said = unet(torch.cat([noise, noise]), torch.tensor([501, 501]), torch.cat([empty, context]))
        latents = layout.sample(unet, context, empty, noise, STEPS, GUIDANCE)
        picture = vae.decode(latents / scaling)
    header, data, at = {}, [], 0
    for name, tensor in (("context", context), ("latents", latents), ("noise", noise), ("picture", picture), ("said", said)):
        blob = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        data.append(blob)
        at += len(blob)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    (HERE / "reference.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"".join(data))


if __name__ == "__main__":
    main()
