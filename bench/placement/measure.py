#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the two parts of the placement benchmark.

placements_per_second_100k, placements_per_second_1m: units placed per second by one thread, each search over all
    filters, all four weights in use, in a network at 90 % load, with one release for each.
p99_ns_100k: of one placement, search and bookkeeping.
bytes_per_node: what the index keeps on the heap, per unit, at 100,000.
allocation_k100.<workload>: see fgd/fgd.py.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import latencies

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "traces" / "openb"
# Units, placements measured, decisions checked against the full scan.
SIZES = {"10k": (10_000, 1_000_000, 2000), "100k": (100_000, 1_000_000, 500), "1m": (1_000_000, 200_000, 20)}


def throughput(program, matrix):
    results = {}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(" ".join(map(str, row)) for row in matrix))
        file.flush()
        for name, (units, steps, checks) in SIZES.items():
            words = [program, "--latency", file.name, "--units", str(units), "--steps", str(steps),
                     "--checks", str(checks)]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(map(str, words))} failed: {done.stdout}")
            results[name] = json.loads(done.stdout)
    return results


def show(results, source):
    print(f"Placement, one thread, 90 % load, latencies: {source}\n")
    print("| units | placements/s | per second of CPU | p50 ns | p99 ns | p99.9 ns | release p99 ns | bytes/unit "
          "| no unit fits | full scans/s | checked | wrong |")
    print("|---:" * 12 + "|")
    for row in results.values():
        print(f"| {row['units']:,} | {row['placements_per_second']:,} | {row['placements_per_core_second']:,} "
              f"| {row['p50_ns']} | {row['p99_ns']} | {row['p999_ns']} | {row['release_p99_ns']} "
              f"| {row['bytes_per_node']} | {row['refused_share']:.2%} | {row['full_scans_per_second']:,} "
              f"| {row['checked']} | {row['disagreements']} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    options = parser.parse_args()
    matrix, source = latencies.matrix(options.data.parent)
    results = throughput(options.programs / "placement_throughput", matrix)
    if not options.json:
        show(results, source)
    fgd = [sys.executable, ROOT / "bench/placement/fgd/fgd.py", "--program", options.programs / "fgd/placement_fgd",
           "--data", options.data]
    if not options.data.exists():
        print(f"{options.data} is not there: no packing figures", file=sys.stderr)
    elif not options.json:
        subprocess.run(fgd, check=True)
    figures = {"placements_per_second_100k": results["100k"]["placements_per_second"],
               "p99_ns_100k": results["100k"]["p99_ns"],
               "placements_per_second_1m": results["1m"]["placements_per_second"],
               "bytes_per_node": results["100k"]["bytes_per_node"]}
    if options.json:
        if options.data.exists():
            packed = subprocess.run([*fgd, "--json"], stdout=subprocess.PIPE, text=True, check=True)
            figures |= json.loads(packed.stdout)
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
