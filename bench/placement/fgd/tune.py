#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of our lead over FGD is owed to having seen the workload: for each workload the parameters are searched
anew, from a neutral start, on a seed or two of the others only; then the workload that was left out is measured with them
on all its seeds. Many minutes on one core. With --parts, instead: our lead with each part of the policy left out, and
with each alone."""
import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import tempfile

import fgd

START = {"usable": 0.5, "stranded": 0.3, "power": 1, "leftover": 2, "tau": 10, "pressure": 0.5, "cpu_fit": 0.02,
         "scarce_need": 1, "scarce_fit": 0.5}


PARTS = ["usable", "stranded", "leftover", "pressure"]


class Bench:
    def __init__(self, program, folder, cases):
        self.program, self.folder, self.cases = program, folder, cases
        self.fgd = {(one["workload"], one["seed"]): one["curve"][100]
                    for one in self.run([]) if one["policy"] == "FGD"}

    def run(self, options, cases=None):
        words = [f"{workload}:{seed}" for workload, seed in cases or self.cases]
        lines = subprocess.run([self.program, *options, self.folder, *words], check=True, capture_output=True, text=True)
        return [json.loads(line) for line in lines.stdout.splitlines()]

    def leads(self, parameters, cases):
        """Ours less FGD at k = 100, by workload, mean of the seeds."""
        words = ",".join(f"{name}={value:.6g}" for name, value in parameters.items())
        leads = {}
        for one in self.run(["--parameters", words], cases):
            lead = one["curve"][100] - self.fgd[one["workload"], one["seed"]]
            leads.setdefault(one["workload"], []).append(lead)
        return {workload: statistics.mean(values) for workload, values in leads.items()}


def first_seeds(cases, count):
    """Of each workload."""
    chosen = []
    for workload in sorted({workload for workload, _ in cases}):
        chosen += [case for case in cases if case[0] == workload][:count]
    return chosen


def search(bench, cases, steps, draw):
    best = dict(START)
    best_lead = statistics.mean(bench.leads(best, cases).values())
    for _ in range(steps):
        tried = dict(best)
        for name in draw.sample(sorted(tried), draw.randint(1, 3)):
            tried[name] *= math.exp(draw.gauss(0, 0.5))
        tried["tau"] = max(tried["tau"], 2)
        lead = statistics.mean(bench.leads(tried, cases).values())
        if lead > best_lead:
            best, best_lead = tried, lead
    return best


def show_parts(bench, cases, workloads):
    def row(name, parameters):
        leads = bench.leads(parameters, cases)
        print(f"{name:20}" + "".join(f"{leads[workload]:+13.2f}" for workload in workloads), flush=True)

    print(" " * 20 + "".join(f"{workload:>13}" for workload in workloads))
    row("shipped", {})
    for part in PARTS:
        row(f"without {part}", {part: 0})
    for part in PARTS:
        row(f"{part} alone", {other: 0 for other in PARTS if other != part})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="placement_fgd")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--parts", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = fgd.unpack(args.data, pathlib.Path(folder))
        bench = Bench(args.program, folder, cases)
        workloads = sorted({workload for workload, _ in cases})
        if args.parts:
            show_parts(bench, first_seeds(cases, args.seeds), workloads)
            return
        shipped = bench.leads({}, cases)
        print(f"{'left out':13}{'shipped':>9}{'without it':>12}  parameters found on the others")
        for workload in workloads:
            others = [case for case in first_seeds(cases, args.seeds) if case[0] != workload]
            found = search(bench, others, args.steps, random.Random(workload))
            lead = bench.leads(found, [case for case in cases if case[0] == workload])[workload]
            shown = " ".join(f"{name} {value:.3g}" for name, value in found.items())
            print(f"{workload:13}{shipped[workload]:+9.2f}{lead:+12.2f}  {shown}", flush=True)


if __name__ == "__main__":
    main()
