# SPDX-License-Identifier: Apache-2.0
"""The captions, the pictures that they describe, and CLIP's byte-pair tokenizer for them."""
import json
import re

import numpy as np

COLORS = {"red": (220, 40, 40), "orange": (240, 140, 30), "yellow": (245, 220, 60), "green": (50, 160, 70), "blue": (40, 80, 210),
          "purple": (130, 60, 170), "white": (250, 250, 250), "black": (15, 15, 15)}
SHAPES = ("circle", "square", "triangle", "ring")
SIZE, POSITIONS, MERGES = 32, 16, 200


def caption(color, shape, ground, form=0):
    return ("a {} {} on a {} background", "{} {} on {}", "a {} {} on {}")[form].format(color, shape, ground)


def draw(color, shape, ground, x, y, radius):
    """Floats in [-1, 1], 3 x SIZE x SIZE; edges are a pixel wide."""
    v, u = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    u, v = (u - x) / radius, (v - y) / radius
    distance = {"circle": np.hypot(u, v) - 1, "square": np.maximum(abs(u), abs(v)) - 0.85,
                "triangle": np.maximum(0.866 * abs(u) - 0.5 * v - 0.5, v - 0.75),
                "ring": abs(np.hypot(u, v) - 0.75) - 0.25}[shape] * radius
    inside = np.clip(0.5 - distance, 0, 1)[None]
    front, back = (np.array(COLORS[name], np.float32).reshape(3, 1, 1) / 127.5 - 1 for name in (color, ground))
    return (front * inside + back * (1 - inside)).astype(np.float32)


def draw_any(random):
    color, ground = random.choice(list(COLORS), 2, replace=False)
    shape, radius = SHAPES[random.integers(len(SHAPES))], random.uniform(7, 11)
    x, y = random.uniform(14, 18, 2)
    return draw(color, shape, ground, x, y, radius), caption(color, shape, ground, random.integers(3))


def stand_ins():
    """GPT-2's printable character for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {byte: chr(byte) for byte in plain}, 0
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


class Tokenizer:
    PATTERN = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+", re.IGNORECASE)

    def __init__(self):
        self.bytes = stand_ins()
        symbols = list(dict.fromkeys(self.bytes[byte] for byte in [*range(33, 127), *range(161, 173), *range(174, 256),
                                                                   *range(256)]))
        words = {word: 1 for color in COLORS for shape in SHAPES for word in caption(color, shape, color).split()}
        self.merges = self.learn(words)
        pieces = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(pair) for pair in self.merges]
        pieces += ["<|startoftext|>", "<|endoftext|>"]
        self.ids = {piece: at for at, piece in enumerate(pieces)}
        self.rank = {pair: at for at, pair in enumerate(self.merges)}

    @staticmethod
    def learn(words):
        split, merges = {word: [*word[:-1], word[-1] + "</w>"] for word in words}, []
        while len(merges) < MERGES:
            counts = {}
            for parts in split.values():
                for pair in zip(parts, parts[1:]):
                    counts[pair] = counts.get(pair, 0) + 1
            if not counts:
                break
            best = max(counts, key=lambda pair: (counts[pair], pair))
            merges.append(best)
            split = {word: Tokenizer.merge(parts, best) for word, parts in split.items()}
        return merges

    @staticmethod
    def merge(parts, pair):
        out, at = [], 0
        while at < len(parts):
            both = at + 1 < len(parts) and (parts[at], parts[at + 1]) == pair
            out.append("".join(pair) if both else parts[at])
            at += 2 if both else 1
        return out

    def encode(self, text):
        """POSITIONS ids: start, the text, ends."""
        ids = []
        for word in self.PATTERN.findall(re.sub(r"\s+", " ", text).strip().lower()):
            parts = [self.bytes[byte] for byte in word.encode()]
            parts[-1] += "</w>"
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self.rank.get(pair, 1 << 30))
                if best not in self.rank:
                    break
                parts = self.merge(parts, best)
            ids += [self.ids[part] for part in parts]
        start, end = self.ids["<|startoftext|>"], self.ids["<|endoftext|>"]
        ids = [start, *ids[:POSITIONS - 2], end]
        return ids + [end] * (POSITIONS - len(ids))

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vocab.json").write_text(json.dumps(self.ids, ensure_ascii=False, separators=(",", ":")) + "\n")
        lines = ["#version: 0.2", *(" ".join(pair) for pair in self.merges)]
        (folder / "merges.txt").write_text("\n".join(lines) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(
            {"tokenizer_class": "CLIPTokenizer", "model_max_length": POSITIONS, "bos_token": "<|startoftext|>",
             "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "do_lower_case": True}, indent=1) + "\n")
