#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workloads like those of the FGD paper that are not in the folder, made from those that are (default, cpu250,
gpuspec33, gpushare100 and multigpu50), with orders of arrival of their own: nobody has tuned anything on them. Writes
a folder that fgd.py reads."""
import argparse
import csv
import gzip
import pathlib
import random
import shutil
import subprocess
import tempfile

COLUMNS = ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec"]
SEEDS = (101, 102, 103)


def read(data, workload):
    with gzip.open(data / f"pods-{workload}.csv.gz", "rt") as file:
        return [{name: row.get(name) or "" for name in COLUMNS} for row in csv.DictReader(file)]


def milli(task):
    return int(task["num_gpu"]) * int(task["gpu_milli"] or 0)


def total(tasks):
    return sum(map(milli, tasks))


def drawn(draw, tasks, wanted):
    """With replacement, until they ask for so much."""
    chosen, sum_so_far = [], 0
    while sum_so_far < wanted:
        chosen.append(draw.choice(tasks))
        sum_so_far += milli(chosen[-1])
    return chosen


def variants(data, draw):
    default = read(data, "default")
    cpu = [task for task in default if milli(task) == 0]
    gpu = [task for task in default if milli(task) > 0]
    whole = [task for task in gpu if task["gpu_milli"] == "1000"]
    cpu250 = [task for task in read(data, "cpu250") if milli(task) == 0]
    yield "cpu050", gpu + draw.sample(cpu, len(cpu) // 2)
    yield "cpu200", gpu + draw.sample(cpu250, len(cpu250) * 4 // 5)
    shares = [task for task in read(data, "gpushare100") if milli(task) > 0]
    for part in (40, 60, 80):
        all_milli = total(gpu)
        yield f"gpushare{part}", (cpu + drawn(draw, shares, all_milli * part / 100) +
                                  drawn(draw, whole, all_milli * (100 - part) / 100))
    for part in (10, 20, 25):
        yield f"gpuspec{part}", [task if draw.random() < part / 33 else {**task, "gpu_spec": ""}
                                 for task in read(data, "gpuspec33")]
    multigpu50 = read(data, "multigpu50")
    several = [task for task in multigpu50 if int(task["num_gpu"]) > 1]
    rest = [task for task in multigpu50 if int(task["num_gpu"]) <= 1]
    for part in (20, 30, 40):
        yield f"multigpu{part}", rest + drawn(draw, several, total(rest) * part / (100 - part))


def order(tasks, capacity, nodes, draw):
    """Shuffled and cut or filled up to 1.3 times the capacity, as the procedure does, but by our own random numbers."""
    arrivals = list(range(len(tasks)))
    draw.shuffle(arrivals)
    asked = total(tasks)
    while asked > 1.3 * capacity:
        asked -= milli(tasks[arrivals.pop(draw.randrange(len(arrivals)))])
    while asked < 1.3 * capacity:
        arrivals.append(draw.randrange(len(tasks)))
        asked += milli(tasks[arrivals[-1]])
    priority = draw.sample(range(nodes), nodes)
    return f"pods {' '.join(map(str, arrivals))}\nnodeprio {' '.join(map(str, priority))}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(args.data / "nodes.csv", args.out)
    with open(args.out / "nodes.csv") as file:
        gpus = [int(row["gpu"]) for row in csv.DictReader(file)]
    with tempfile.TemporaryDirectory() as folder:
        for workload, tasks in variants(args.data, random.Random(5)):
            with gzip.open(args.out / f"pods-{workload}.csv.gz", "wt") as file:
                rows = csv.DictWriter(file, COLUMNS)
                rows.writeheader()
                rows.writerows(tasks)
            for seed in SEEDS:
                text = order(tasks, 1000 * sum(gpus), len(gpus), random.Random(f"{workload}-{seed}"))
                (pathlib.Path(folder) / f"{workload}-{seed}.txt").write_text(text)
        subprocess.run(["tar", "--zstd", "-cf", args.out / "orders.tar.zst", "-C", folder, "."], check=True)


if __name__ == "__main__":
    main()
