# SPDX-License-Identifier: Apache-2.0
"""The parts of a text-to-image diffusion model, written from the papers' formulas, with the tensor names and shapes under which
the diffusers library stores them: a text encoder (CLIP), an autoencoder (VAE) and a denoising network (UNet). It trains
the model here, and it is the reference that the C++ code is tested against."""
import math

import torch
import torch.nn.functional as F
from torch import nn

CHANNELS = (40, 80)
VAE_CHANNELS = (16, 32, 32)
TEXT = {"vocab_size": 0, "hidden_size": 64, "layers": 2, "heads": 2, "intermediate_size": 128, "positions": 16}
UNET = {"_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": 4, "block_out_channels": list(CHANNELS),
        "cross_attention_dim": TEXT["hidden_size"], "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4, "layers_per_block": 1, "norm_eps": 1e-05,
        "norm_num_groups": 8, "out_channels": 4, "sample_size": 8, "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
        "use_linear_projection": False}
VAE = {"_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": list(VAE_CHANNELS), "in_channels": 3,
       "latent_channels": 4, "layers_per_block": 1, "norm_num_groups": 4, "out_channels": 3, "sample_size": 32,
       "scaling_factor": 1.0}


class Block(nn.Module):
    """Names of parts that are lists or have gaps in diffusers."""
    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, nn.ModuleList(part) if isinstance(part, list) else part)


class Resnet(nn.Module):
    def __init__(self, before, after, groups, eps, time=0):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, before, eps)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        if time:
            self.time_emb_proj = nn.Linear(time, after)
        self.norm2 = nn.GroupNorm(groups, after, eps)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        if before != after:
            self.conv_shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x, time=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            h = h + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, width, context, heads, bias=False, groups=0):
        super().__init__()
        if groups:
            self.group_norm = nn.GroupNorm(groups, width, 1e-6)
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k = nn.Linear(context, width, bias=bias)
        self.to_v = nn.Linear(context, width, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for part in (self.to_q(x), self.to_k(context), self.to_v(context)))
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        return self.to_out[0]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Gated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class Feed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Gated(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Words(nn.Module):
    """Transformer2DModel: looks at the words of the prompt."""
    def __init__(self, width, context, heads, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, 1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([Block(
            norm1=nn.LayerNorm(width), attn1=Attention(width, width, heads), norm2=nn.LayerNorm(width),
            attn2=Attention(width, context, heads), norm3=nn.LayerNorm(width), ff=Feed(width))])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x, context):
        h = self.proj_in(self.norm(x))
        size = h.shape[2:]
        h = h.flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            n = block.norm1(h)
            h = h + block.attn1(n, n)
            h = h + block.attn2(block.norm2(h), context)
            h = h + block.ff(block.norm3(h))
        return x + self.proj_out(h.transpose(1, 2).unflatten(2, size))


class Resample(nn.Module):
    def __init__(self, width, stride=1, padding=1):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=stride, padding=padding)


def upsample(resample, x):
    return resample.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        first, groups, eps = CHANNELS[0], UNET["norm_num_groups"], UNET["norm_eps"]
        heads, context, time = UNET["attention_head_dim"], UNET["cross_attention_dim"], 4 * CHANNELS[0]
        self.conv_in = nn.Conv2d(4, first, 3, padding=1)
        self.time_embedding = Block(linear_1=nn.Linear(first, time), linear_2=nn.Linear(time, time))
        words = lambda width: Words(width, context, heads, groups)
        resnet = lambda before, after: Resnet(before, after, groups, eps, time)
        low, high = CHANNELS
        self.down_blocks = nn.ModuleList([
            Block(resnets=[resnet(low, low)], downsamplers=[Resample(low, 2)]),
            Block(resnets=[resnet(low, high)], attentions=[words(high)])])
        self.mid_block = Block(resnets=[resnet(high, high), resnet(high, high)], attentions=[words(high)])
        self.up_blocks = nn.ModuleList([
            Block(resnets=[resnet(2 * high, high), resnet(high + low, high)], attentions=[words(high), words(high)],
                  upsamplers=[Resample(high)]),
            Block(resnets=[resnet(high + low, low), resnet(2 * low, low)])])
        self.conv_norm_out = nn.GroupNorm(groups, low, eps)
        self.conv_out = nn.Conv2d(low, 4, 3, padding=1)

    def forward(self, x, step, context):
        half = CHANNELS[0] // 2
        angles = step.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        time = self.time_embedding.linear_1(torch.cat([angles.cos(), angles.sin()], -1))
        time = self.time_embedding.linear_2(F.silu(time))
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for at, resnet in enumerate(block.resnets):
                x = resnet(x, time)
                if hasattr(block, "attentions"):
                    x = block.attentions[at](x, context)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0].conv(x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, time)
        x = self.mid_block.resnets[1](self.mid_block.attentions[0](x, context), time)
        for block in self.up_blocks:
            for at, resnet in enumerate(block.resnets):
                x = resnet(torch.cat([x, skips.pop()], 1), time)
                if hasattr(block, "attentions"):
                    x = block.attentions[at](x, context)
            if hasattr(block, "upsamplers"):
                x = upsample(block.upsamplers[0], x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


def middle(width, groups):
    resnet = lambda: Resnet(width, width, groups, 1e-6)
    return Block(resnets=[resnet(), resnet()], attentions=[Attention(width, width, 1, True, groups)])


def through_middle(block, x):
    x = block.resnets[0](x)
    attention = block.attentions[0]
    h = attention.group_norm(x).flatten(2).transpose(1, 2)
    x = x + attention(h, h).transpose(1, 2).unflatten(2, x.shape[2:])
    return block.resnets[1](x)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        widths, groups, last = VAE_CHANNELS, VAE["norm_num_groups"], len(VAE_CHANNELS) - 1
        resnet = lambda before, after: Resnet(before, after, groups, 1e-6)
        downs, ups, before = [], [], widths[0]
        for at, width in enumerate(widths):
            more = {"downsamplers": [Resample(width, 2, 0)]} if at < last else {}
            downs.append(Block(resnets=[resnet(before, width)], **more))
            before = width
        self.encoder = Block(conv_in=nn.Conv2d(3, widths[0], 3, padding=1), down_blocks=downs, mid_block=middle(before, groups),
                             conv_norm_out=nn.GroupNorm(groups, before, 1e-6), conv_out=nn.Conv2d(before, 8, 3, padding=1))
        self.quant_conv = nn.Conv2d(8, 8, 1)
        self.post_quant_conv = nn.Conv2d(4, 4, 1)
        for at, width in enumerate(reversed(widths)):
            more = {"upsamplers": [Resample(width)]} if at < last else {}
            ups.append(Block(resnets=[resnet(before, width), resnet(width, width)], **more))
            before = width
        self.decoder = Block(conv_in=nn.Conv2d(4, widths[-1], 3, padding=1), mid_block=middle(widths[-1], groups), up_blocks=ups,
                             conv_norm_out=nn.GroupNorm(groups, before, 1e-6), conv_out=nn.Conv2d(before, 3, 3, padding=1))

    def encode(self, x):
        part = self.encoder
        x = part.conv_in(x)
        for block in part.down_blocks:
            x = block.resnets[0](x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0].conv(F.pad(x, (0, 1, 0, 1)))
        x = through_middle(part.mid_block, x)
        return self.quant_conv(part.conv_out(F.silu(part.conv_norm_out(x)))).chunk(2, 1)

    def decode(self, latent):
        part = self.decoder
        x = through_middle(part.mid_block, part.conv_in(self.post_quant_conv(latent)))
        for block in part.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "upsamplers"):
                x = upsample(block.upsamplers[0], x)
        return part.conv_out(F.silu(part.conv_norm_out(x)))


class TextEncoder(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        width, inner = TEXT["hidden_size"], TEXT["intermediate_size"]
        layer = lambda: Block(
            layer_norm1=nn.LayerNorm(width), layer_norm2=nn.LayerNorm(width),
            self_attn=Block(**{name: nn.Linear(width, width) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}),
            mlp=Block(fc1=nn.Linear(width, inner), fc2=nn.Linear(inner, width)))
        self.text_model = Block(
            embeddings=Block(token_embedding=nn.Embedding(vocabulary, width),
                             position_embedding=nn.Embedding(TEXT["positions"], width)),
            encoder=Block(layers=[layer() for _ in range(TEXT["layers"])]), final_layer_norm=nn.LayerNorm(width))

    def forward(self, tokens):
        part, count = self.text_model, tokens.shape[1]
        x = part.embeddings.token_embedding(tokens) + part.embeddings.position_embedding.weight[:count]
        mask = torch.full((count, count), -math.inf).triu(1)
        for layer in part.encoder.layers:
            n, own = layer.layer_norm1(x), layer.self_attn
            q, k, v = (proj(n).unflatten(-1, (TEXT["heads"], -1)).transpose(1, 2)
                       for proj in (own.q_proj, own.k_proj, own.v_proj))
            scores = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + mask
            x = x + own.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
            h = layer.mlp.fc1(layer.layer_norm2(x))
            x = x + layer.mlp.fc2(h * torch.sigmoid(1.702 * h))
        return part.final_layer_norm(x)


def signal_shares():
    """Of the betas that stable diffusion uses: linear in their square roots, 1,000 steps."""
    betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0)


def sample(unet, context, empty, noise, steps, guidance):
    """DDIM (Song, Meng, Ermon 2020, eta = 0) with classifier-free guidance."""
    shares, ratio, x = signal_shares(), 1000 // steps, noise
    for step in [at * ratio + 1 for at in reversed(range(steps))]:
        both = unet(torch.cat([x, x]), torch.tensor([step, step]), torch.cat([empty, context]))
        without, with_words = both.chunk(2)
        guess = without + guidance * (with_words - without)
        share = float(shares[step])
        before = float(shares[step - ratio] if step >= ratio else shares[0])
        origin = (x - math.sqrt(1 - share) * guess) / math.sqrt(share)
        x = math.sqrt(before) * origin + math.sqrt(1 - before) * guess
    return x
