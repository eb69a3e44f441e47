#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sixty-four sites and the round trips between them in microseconds, from the PlanetLab matrix when it is there."""
import gzip
import math
import pathlib
import random

SITES = 64


def planetlab(path):
    with gzip.open(path, "rt") as file:
        rows = [[float(cell) if cell.strip() else None for cell in line.split(",")] for line in file if line.strip()]
    order = list(range(len(rows)))
    random.Random(7).shuffle(order)
    chosen = []
    for site in order:
        pairs = [(site, other) for other in chosen] + [(other, site) for other in chosen]
        if all(rows[a][b] is not None for a, b in pairs):
            chosen.append(site)
        if len(chosen) == SITES:
            break
    if len(chosen) < SITES:
        raise SystemExit(f"{path}: only {len(chosen)} sites that all reach each other")
    return [[500 if a == b else round(rows[a][b] * 1000) for b in chosen] for a in chosen]


def on_a_sphere():
    draw = random.Random(7)
    points = []
    for _ in range(SITES):
        height, angle = draw.uniform(-1, 1), draw.uniform(0, 2 * math.pi)
        flat = math.sqrt(1 - height * height)
        points.append((flat * math.cos(angle), flat * math.sin(angle), height))

    def micros(a, b):
        kilometres = 6371 * math.acos(max(-1, min(1, sum(x * y for x, y in zip(a, b)))))
        return round(500 + kilometres * 2 / 200 * 1000 * 1.5)

    return [[500 if a is b else micros(a, b) for b in points] for a in points]


def matrix(data):
    """Of the traces folder; (matrix, where it is from)."""
    path = pathlib.Path(data) / "latency" / "planetlab-490-rtt-median-of-18.csv.gz"
    if path.exists():
        return planetlab(path), "PlanetLab, 64 sites"
    return on_a_sphere(), "64 points on a sphere"


if __name__ == "__main__":
    import sys
    rows, _ = matrix(sys.argv[1])
    print("\n".join(" ".join(map(str, row)) for row in rows))
