#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs overhead_bench (overhead.cpp says how it measures) and sums its rows up.

overhead_tier_a_percent, overhead_tier_b_percent  of generation time, the largest over the batches of the 1B model: on a
                                                  processor the time of the thread that generates, on a GPU the wall
overhead_tier_a_total_percent, ..._b_...          the same of the processor time of the whole process, hashing included
overhead_shipped_tier_a_percent, ..._b_...        as the first two, of the shipped model of 7 million weights
retained_bytes_tier_a, retained_bytes_tier_b      what the worker keeps of one token position, 1B model in bf16
opening_ms                                        worker: 16 cells and the pages of 4 heads, 1B model
"""
import json
import os
import pathlib
import subprocess
import sys

SHIPPED = "models/vcity-mini-bilingual"
DEVICE = os.environ.get("VCITY_BENCH_DEVICE", "cpu")


def measure(program, options):
    command = [str(program), "--model", SHIPPED, "--device", DEVICE, *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def largest(result, name):
    return round(max(row[name] for row in result["rows"]), 2)


def table(name, result):
    for row in result["rows"]:
        cells = [row["tier_a_percent"], row["tier_b_percent"], row["tier_a_total_percent"], row["tier_b_total_percent"]]
        print(f"{name:<28}{row['batch']:>6}{row['tokens_per_second']:>10.1f}" + "".join(f"{c:>9.2f}" for c in cells))


def main():
    folder = pathlib.Path(sys.argv[1])
    program = folder / "overhead_bench"
    batches = "1,4,16,64" if DEVICE == "cuda" else "1,4,16"
    large = measure(program, ["--random-1b", str(folder / "random-1b"), "--batch", batches, "--rounds", "5",
                              "--prompt-bytes", "20", "--output", "8" if DEVICE == "cpu" else "64"])
    shipped = {kind: measure(program, ["--compute", kind, "--batch", batches, "--rounds", "9", "--output", "48"])
               for kind in ("fp32", "bf16")}
    if "--json" in sys.argv:
        figures = {}
        for tier in ("a", "b"):
            figures[f"overhead_tier_{tier}_percent"] = largest(large, f"tier_{tier}_percent")
            figures[f"overhead_tier_{tier}_total_percent"] = largest(large, f"tier_{tier}_total_percent")
            figures[f"overhead_shipped_tier_{tier}_percent"] = max(
                largest(result, f"tier_{tier}_percent") for result in shipped.values())
            figures[f"retained_bytes_tier_{tier}"] = round(large["rows"][0][f"retained_bytes_{tier}"])
        figures["opening_ms"] = round(large["opening_ms"], 1)
        print(json.dumps(figures))
        return
    print(f"{'percent of generation time':<28}{'batch':>6}{'tokens/s':>10}{'A':>9}{'B':>9}{'A total':>9}{'B total':>9}")
    table("1B shape, bf16", large)
    for kind, result in shipped.items():
        table(f"vcity-mini-bilingual, {kind}", result)
    print(f"goal{'':<40}{'1.00':>9}{'2.00':>9}")
    print(f"kept of one position, 1B: {large['rows'][0]['retained_bytes_a']:.0f} bytes in tier A, "
          f"{large['rows'][0]['retained_bytes_b']:.0f} in tier B; opening of 16 cells and 4 heads: "
          f"{large['opening_ms']:.0f} ms")


if __name__ == "__main__":
    main()
