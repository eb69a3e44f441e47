#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs router_bench and prints its figures.

router_choices_per_second   choose + dispatch + first token + end, one core, 10,000 replicas in 16 regions; the median
                            of five runs, in processor time
router_choice_p50_ns, router_choice_p99_ns
                            of one of those, in wall time
hit_rate.<rule>.<n>         share of prompt tokens found in a cache, n replicas, Mooncake conversation trace
ttft_mean_s.<rule>.<n>, ttft_p99_s.<rule>.<n>
                            seconds to the first token: one prompt at a time, 0.1 ms for each token not cached
"""
import gzip
import json
import statistics
import subprocess
import sys
from pathlib import Path

REPLICAS = (6, 8, 12, 24)
RULES = {
    "round_robin": "round robin",
    "least_loaded": "least work in hand",
    "prefix_affinity": "longest cached prefix",
    "prefix_or_least": "cached prefix from half a prompt on, else least work",
    "router": "Vcity",
}


def run(program, *words, stdin=None):
    result = subprocess.run([program, *words], input=stdin, stdout=subprocess.PIPE, check=True, timeout=600)
    return result.stdout.decode().splitlines()


def main():
    program, data = sys.argv[1], Path(sys.argv[2])
    figures = {}
    runs = sorted([float(word) for word in run(program, "choices")[0].split()] for _ in range(5))
    rate, p50, p99 = (statistics.median(column) for column in zip(*runs))
    figures["router_choices_per_second"] = round(rate)
    figures["router_choice_p50_ns"] = round(p50)
    figures["router_choice_p99_ns"] = round(p99)
    trace = gzip.decompress((data / "conversation_trace.jsonl.gz").read_bytes())
    for count in REPLICAS:
        for line in run(program, "trace", str(count), stdin=trace):
            rule, *numbers = line.split()
            for name, number in zip(("hit_rate", "ttft_mean_s", "ttft_p99_s"), numbers, strict=True):
                figures[f"{name}.{rule}.{count}"] = float(number)
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"choices: {rate:,.0f}/s on one core, p50 {p50 / 1000:.1f} us, p99 {p99 / 1000:.1f} us (10,000 replicas)\n")
    print(f"{'replicas':>8}  {'rule':<54}{'hit rate':>9}{'mean TTFT':>11}{'p99 TTFT':>10}")
    for count in REPLICAS:
        for rule, title in RULES.items():
            hit, mean, p99 = (figures[f"{name}.{rule}.{count}"] for name in ("hit_rate", "ttft_mean_s", "ttft_p99_s"))
            print(f"{count:>8}  {title:<54}{hit:>8.1%}{mean:>9.3f} s{p99:>8.2f} s")


main()
