#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the JSON lines that `vcity-worker finetune` prints (or `vcity job logs` of such a job) as an SVG picture, loss
on a logarithmic scale: draw_loss.py events.jsonl loss.svg"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 70, 50, 40, 20
SERIES = [("train_loss", "#1f6feb", "training, step by step"), ("valid_loss", "#d1242f", "held-out questions")]


def read(path):
    points = {name: [] for name, _, _ in SERIES}
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line) if line.startswith("{") else {}
            for name in points:
                if event.get("event") == "metrics" and event.get(name, 0) > 0:
                    points[name].append((event["step"], event[name]))
    return points


def main(source, target):
    points = read(source)
    values = [value for series in points.values() for _, value in series]
    last = max(step for series in points.values() for step, _ in series)
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(step):
        return LEFT + step / max(last, 1) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - (math.log10(value) - low) / max(high - low, 1) * (HEIGHT - BOTTOM - TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
           f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(low, high + 1):
        out.append(f'<path d="M{LEFT} {y(10 ** power):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">{10 ** power:g}</text>')
    for part in range(5):
        step = round(last * part / 4)
        out.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">step</text>'
               f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">'
               "cross entropy, nats per token</text>")
    for i, (name, colour, label) in enumerate(SERIES):
        line = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points[name])
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{WIDTH - RIGHT - 180}" y="{TOP + 16 * i}" fill="{colour}">{label}</text>')
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
