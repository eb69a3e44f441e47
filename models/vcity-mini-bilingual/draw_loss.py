#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws loss.csv, which `vcity-worker train` writes, as an SVG picture."""
import csv
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 60, 50, 40, 20
SERIES = [("train_loss", "#1f6feb", "training (mean since the last point)"), ("valid_loss", "#d1242f", "held-out texts")]


def main(source, target):
    with open(source, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tokens = [float(row["tokens"]) / 1e6 for row in rows]
    top = max(float(row[name]) for row in rows for name, _, _ in SERIES) * 1.05

    def x(value):
        return LEFT + value / tokens[-1] * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
           f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for i in range(int(top) + 1):
        out.append(f'<path d="M{LEFT} {y(i):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{y(i) + 4:.1f}" text-anchor="end">{i}</text>')
    for i in range(0, int(tokens[-1]) + 1, 2):
        out.append(f'<text x="{x(i):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{i}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">training tokens, millions</text>'
               f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">'
               "cross entropy, nats per token</text>")
    for i, (name, colour, label) in enumerate(SERIES):
        points = " ".join(f"{x(t):.1f},{y(float(row[name])):.1f}" for t, row in zip(tokens, rows))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{WIDTH - RIGHT - 230}" y="{TOP + 16 * i}" fill="{colour}">{label}</text>')
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
