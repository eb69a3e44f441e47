#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The FGD procedure (Weng et al., ATC'23) on every workload and seed of a folder with the layout of openb: nodes.csv,
pods-<workload>.csv.gz, orders.tar.zst with <workload>-<seed>.txt, and published-allocation.csv.gz when it is there.
FGD and BestFit are re-implemented and compared with the published curves point by point; ours runs beside them through
the placement engine, once with the mix of the task list, which FGD's typical tasks are made of too, and once with
nothing but the arrivals so far. Prints tables, or with --json one object of the figures."""
import argparse
import csv
import gzip
import json
import math
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

PUBLISHED = {"BestFit": "05-BestFit", "FGD": "06-FGD"}
POLICIES = ["BestFit", "FGD", "ours", "ours, learning"]


def unpack(data, folder):
    """The cases found, as workload and seed."""
    shutil.copy(data / "nodes.csv", folder)
    for packed in data.glob("pods-*.csv.gz"):
        with gzip.open(packed) as source, open(folder / packed.stem, "wb") as target:
            shutil.copyfileobj(source, target)
    subprocess.run(["tar", "--zstd", "-xf", data / "orders.tar.zst", "-C", folder], check=True)
    cases = []
    for order in folder.glob("**/*-*.txt"):
        workload, seed = order.stem.rsplit("-", 1)
        if seed.isdigit() and (folder / f"pods-{workload}.csv").exists():
            if order.parent != folder:
                order.rename(folder / order.name)
            cases.append((workload, int(seed)))
    return sorted(cases)


def published_curves(data):
    curves = {}
    path = data / "published-allocation.csv.gz"
    if path.exists():
        with gzip.open(path, "rt") as file:
            for row in csv.DictReader(file):
                workload = row["workload"].removeprefix("openb_pod_list_")
                points = [row.get(str(k)) for k in range(131)]
                curves[workload, int(row["seed"]), row["sc_policy"]] = [float(x) if x else None for x in points]
    return curves


def difference(curve, published):
    """(points compared, greatest difference) of a curve rounded as the published ones are."""
    pairs = [(ours, theirs) for ours, theirs in zip(curve, published) if ours is not None and theirs is not None]
    return len(pairs), max((abs(round(ours, 2) - theirs) for ours, theirs in pairs), default=0.0)


class Results:
    def __init__(self):
        self.curves = {}
        self.seconds = {}

    def add(self, line):
        one = json.loads(line)
        key = one["workload"], one["seed"], one["policy"]
        self.curves[key] = one["curve"]
        self.seconds[key] = one["seconds"]

    def seeds(self, workload):
        return sorted({seed for name, seed, _ in self.curves if name == workload})

    def at(self, workload, policy, k):
        """One value a seed."""
        return [self.curves[workload, seed, policy][k] for seed in self.seeds(workload)]


def show(results, workloads, published):
    print("GPU allocation at k = 100, per cent, mean of the seeds (k = 130 in brackets)")
    print(f"{'workload':13}{'seeds':>6}" + "".join(f"{policy:>17}" for policy in POLICIES))
    for workload in workloads:
        cells = []
        for policy in POLICIES:
            means = [statistics.mean(results.at(workload, policy, k)) for k in (100, 130)]
            cells.append(f"{means[0]:8.2f} ({means[1]:.2f})")
        print(f"{workload:13}{len(results.seeds(workload)):6}" + "".join(f"{cell:>17}" for cell in cells))
    print("\nours less FGD at k = 100, paired by seed: mean, least, standard error; learning: mean, least")
    for workload in workloads:
        fgd = results.at(workload, "FGD", 100)
        paired = {policy: [a - b for a, b in zip(results.at(workload, policy, 100), fgd)] for policy in POLICIES[2:]}
        ours, learning = paired["ours"], paired["ours, learning"]
        error = statistics.stdev(ours) / math.sqrt(len(ours)) if len(ours) > 1 else float("nan")
        print(f"{workload:13}{statistics.mean(ours):+8.2f}{min(ours):+8.2f}{error:8.3f}"
              f"{statistics.mean(learning):+12.2f}{min(learning):+8.2f}")
    print()
    for policy, theirs in PUBLISHED.items():
        compared = [difference(curve, published[workload, seed, theirs])
                    for (workload, seed, name), curve in results.curves.items()
                    if name == policy and (workload, seed, theirs) in published]
        if not compared:
            continue
        print(f"{policy} against the published curves: {len(compared)} curves, "
              f"{sum(points for points, _ in compared)} points, greatest difference "
              f"{max(most for _, most in compared):.3f}")
    ours = [taken for (_, _, policy), taken in results.seconds.items() if policy == "ours"]
    print(f"a run of ours: {statistics.mean(ours):.2f} s in the mean, plans included")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="placement_fgd")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for name in ("nodes.csv", "orders.tar.zst"):
        if not (args.data / name).exists():
            sys.exit(f"{args.data}: no {name}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cases = unpack(args.data, folder)
        if not cases:
            sys.exit(f"{args.data}: no workload with an order of arrival")
        results = Results()
        command = [args.program, folder, *(f"{workload}:{seed}" for workload, seed in cases)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            for line in running.stdout:
                results.add(line)
        if running.returncode != 0:
            sys.exit(f"placement_fgd failed with {running.returncode}")
    workloads = sorted({workload for workload, _ in cases})
    if args.json:
        print(json.dumps({f"allocation_k100.{workload}": round(statistics.mean(results.at(workload, "ours", 100)), 3)
                          for workload in workloads}))
        return
    show(results, workloads, published_curves(args.data))


if __name__ == "__main__":
    main()
