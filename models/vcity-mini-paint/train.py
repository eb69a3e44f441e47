#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the model on pictures that it draws itself and stores it here in the layout of diffusers. One thread, fixed seeds:
the same machine and library give the same files."""
import argparse
import json
import pathlib
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F

import layout
import words

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 32


def save_tensors(path, module):
    """As safetensors, in half precision."""
    header, data, at = {}, [], 0
    for name, tensor in sorted(module.state_dict().items()):
        blob = tensor.detach().half().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        data.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def batch_of(random, count=BATCH):
    pictures, captions = zip(*(words.draw_any(random) for _ in range(count)))
    return torch.from_numpy(np.stack(pictures)), list(captions)


def rate(step, steps, highest):
    return highest * min(1, (step + 1) / 50) * min(1, 4 * (steps - step) / steps)


class Trainer:
    def __init__(self, parameters, steps, highest):
        self.adam, self.steps, self.highest = torch.optim.Adam(parameters, lr=highest), steps, highest
        self.parameters, self.begun = parameters, time.time()

    def step(self, at, loss):
        for group in self.adam.param_groups:
            group["lr"] = rate(at, self.steps, self.highest)
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1)
        self.adam.step()
        if at % 50 == 0 or at == self.steps - 1:
            print(f"step {at} loss {loss.item():.5f} {time.time() - self.begun:.0f} s", flush=True)


def train_vae(random, steps):
    vae = layout.Vae()
    trainer = Trainer(list(vae.parameters()), steps, 3e-3)
    for at in range(steps):
        pictures, _ = batch_of(random)
        mean, spread = vae.encode(pictures)
        latent = mean + torch.randn_like(mean) * torch.exp(0.5 * spread.clamp(-10, 5))
        out = vae.decode(latent)
        kl = 0.5 * (mean ** 2 + spread.clamp(-10, 5).exp() - 1 - spread.clamp(-10, 5)).mean()
        trainer.step(at, F.mse_loss(out, pictures) + 0.5 * F.l1_loss(out, pictures) + 1e-5 * kl)
    return vae


def train_unet(random, steps, vae, tokenizer):
    """The text encoder learns with it."""
    with torch.no_grad():
        latents, captions = [], []
        for _ in range(96):
            pictures, said = batch_of(random)
            latents.append(vae.encode(pictures)[0])
            captions += said
        latents = torch.cat(latents)
    layout.VAE["scaling_factor"] = round(1 / latents.std().item(), 4)
    latents = latents * layout.VAE["scaling_factor"]
    tokens, empty = torch.tensor([tokenizer.encode(text) for text in captions]), torch.tensor(tokenizer.encode(""))
    text, unet, shares = layout.TextEncoder(len(tokenizer.ids)), layout.UNet(), layout.signal_shares().float()
    parameters = [*text.parameters(), *unet.parameters()]
    averaged = [parameter.detach().clone() for parameter in parameters]
    trainer = Trainer(parameters, steps, 1e-3)
    for at in range(steps):
        rows = torch.randint(len(latents), (BATCH,))
        chosen = tokens[rows]
        chosen[torch.rand(BATCH) < 0.1] = empty
        step, noise = torch.randint(1000, (BATCH,)), torch.randn(BATCH, 4, 8, 8)
        share = shares[step][:, None, None, None]
        noisy = share.sqrt() * latents[rows] + (1 - share).sqrt() * noise
        trainer.step(at, F.mse_loss(unet(noisy, step, text(chosen)), noise))
        keep = min(0.995, (1 + at) / (10 + at))
        for mean, parameter in zip(averaged, parameters):
            mean.mul_(keep).add_(parameter.detach(), alpha=1 - keep)
    with torch.no_grad():
        for mean, parameter in zip(averaged, parameters):
            parameter.copy_(mean)
    return text, unet


def save(tokenizer, text, unet, vae):
    write = lambda path, content: (path.parent.mkdir(parents=True, exist_ok=True),
                                   path.write_text(json.dumps(content, indent=1) + "\n"))
    tokenizer.save(HERE / "tokenizer")
    save_tensors(HERE / "text_encoder/model.safetensors", text)
    save_tensors(HERE / "unet/diffusion_pytorch_model.safetensors", unet)
    save_tensors(HERE / "vae/diffusion_pytorch_model.safetensors", vae)
    write(HERE / "unet/config.json", layout.UNET)
    write(HERE / "vae/config.json", layout.VAE)
    size = layout.TEXT
    write(HERE / "text_encoder/config.json",
          {"architectures": ["CLIPTextModel"], "bos_token_id": len(tokenizer.ids) - 2, "eos_token_id": len(tokenizer.ids) - 1,
           "hidden_act": "quick_gelu", "hidden_size": size["hidden_size"], "intermediate_size": size["intermediate_size"],
           "layer_norm_eps": 1e-05, "max_position_embeddings": size["positions"], "model_type": "clip_text_model",
           "num_attention_heads": size["heads"], "num_hidden_layers": size["layers"], "vocab_size": len(tokenizer.ids)})
    write(HERE / "scheduler/scheduler_config.json",
          {"_class_name": "DDIMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": False, "num_train_timesteps": 1000, "prediction_type": "epsilon", "set_alpha_to_one": False,
           "steps_offset": 1, "timestep_spacing": "leading"})
    write(HERE / "model_index.json",
          {"_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "DDIMScheduler"],
           "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
           "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vae-steps", type=int, default=1500)
    parser.add_argument("--unet-steps", type=int, default=2500)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    random, tokenizer = np.random.default_rng(1), words.Tokenizer()
    vae = train_vae(random, flags.vae_steps)
    save(tokenizer, layout.TextEncoder(len(tokenizer.ids)), layout.UNet(), vae)
    text, unet = train_unet(random, flags.unet_steps, vae, tokenizer)
    save(tokenizer, text, unet, vae)


if __name__ == "__main__":
    main()
