#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs schedulers, loads them over the network and prints the figures; a Slurm controller takes its turn in between.

jobs_per_second_sqlite      jobs of one step a second that are durable and have a unit, one scheduler process on SQLite,
                            10,000 units of 8 GPUs, 256 orders in flight; the median of three runs
sqlite_p50_ms, sqlite_p99_ms
                            from sending an order to hearing that it is durable and placed, at half of that rate
sqlite_peak_p50_ms, sqlite_peak_p99_ms, sqlite_cpu_us_per_job
                            the same at the highest rate, with 256 in flight; processor time of the scheduler process
disk_flush_p50_ms           of one fdatasync after 32 KiB, on the disk of the stores, just before
jobs_per_second_postgres2   two scheduler processes, each with half of the units, on one PostgreSQL server
postgres2_p50_ms, postgres2_p99_ms
                            at half of that rate
overload_share              jobs placed a second while three times the highest rate is ordered, of the highest rate
overload_p50_ms, overload_p99_ms, overload_max_ms
                            of the jobs that were admitted meanwhile
overload_refused_share      of all orders: those that were refused with "exhausted"
overload_refused_p99_ms     until they were
slurm_jobs_per_second       allocations of one processor of 8, 10,000 nodes, the better of 1 and 4 clients; the median of
                            three runs that alternate with ours
slurm_p50_ms                of one allocation, one client
slurm_ratio                 jobs_per_second_sqlite / slurm_jobs_per_second
decisions_per_second, decision_p50_us, decision_p99_us
                            the same jobs without network and store, one core: order checked, unit chosen, events encoded
"""
import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "bench/scheduler"))

import slurm  # noqa: E402
from devlib.postgres import Postgres  # noqa: E402
from devlib.shell import Failed  # noqa: E402
from devlib.stand import Stand, free_port, is_ready  # noqa: E402

ROUNDS = 3
UNITS = 10_000
NODES = 4
JOBS = 20_000
IN_FLIGHT = 256
OPEN_SECONDS = 5
SLURM_ALLOCATIONS = 600
SCHEDULERS = ("scheduler", "scheduler-2")


class Bench:
    def __init__(self, programs, stand, folder):
        self.programs, self.stand, self.folder = programs, stand, folder
        self.runs = 0
        self.load("register")

    def load(self, *words, shards=()):
        command = [self.programs / "bench/scheduler/scheduler_load", "--state", self.folder, "--rpc", self.stand.rpc,
                   "--nodes", NODES, "--units", UNITS, *(each for shard in shards for each in ("--shard", shard)), *words]
        result = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE)
        if result.returncode != 0:
            raise Failed(f"{' '.join(map(str, words))}: the load ended with {result.returncode}")
        return json.loads(result.stdout) if result.stdout else None

    @contextlib.contextmanager
    def schedulers(self, names, store=None):
        """Scheduler processes with empty stores; what --shard is told of them."""
        self.runs += 1
        started, shards, ops = [], [], []
        for name in names:
            link, port = free_port(), free_port()
            words = [*self.stand.role_words("scheduler", name, port, f"{name}-{self.runs}"), "--listen",
                     f"127.0.0.1:{link}", "--gateway", self.stand.address("gateway"), "--stake", "20000",
                     "--log-level", "warn", *(["--store", store] if store else [])]
            started.append(self.stand.start(f"{name}-{self.runs}", words))
            shards.append(f"{name}=ws://127.0.0.1:{link}/link")
            ops.append(port)
        try:
            for process, port in zip(started, ops):
                self.stand.wait(lambda: is_ready(port) or not process.is_running(), process.name)
                if not process.is_running():
                    raise Failed(f"{process.name} ended: {process.tail()}")
            yield shards, started
        finally:
            for process in started:
                process.stop()

    def closed(self, names, store=None):
        with self.schedulers(names, store) as (shards, processes):
            before = [process.cpu_seconds() for process in processes]
            figures = self.load("closed", JOBS, IN_FLIGHT, shards=shards)
            cpu = sum(process.cpu_seconds() for process in processes) - sum(before)
        expect(figures, figures["placed"] == JOBS, "not every job was placed")
        figures["cpu_us_per_job"] = cpu / JOBS * 1e6
        return figures

    def open(self, names, rate, store=None):
        with self.schedulers(names, store) as (shards, _):
            return self.load("open", rate, OPEN_SECONDS, IN_FLIGHT, shards=shards)


def expect(figures, holds, what):
    if not holds or figures["double_grants"] or figures["unanswered"]:
        raise Failed(f"{what}: {figures}")


def number(figures, name):
    return float(figures[name])


def flush_millis(folder):
    """The median of a flush to the disk of the stores."""
    times = []
    with open(folder / "flush", "wb") as file:
        for _ in range(200):
            file.write(bytes(32 << 10))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def measure_slurm(program, controller):
    """Allocations a second, and the p50 of a single client in milliseconds."""
    alone, times = controller.allocate(program, 1, SLURM_ALLOCATIONS)
    many, _ = controller.allocate(program, 4, SLURM_ALLOCATIONS)
    return max(alone, many), times[len(times) // 2] * 1000


def alternate(bench, slurm_program, folder):
    """Ours on SQLite and Slurm, one after the other, three times."""
    ours, theirs = [], []
    for turn in range(ROUNDS):
        ours.append(bench.closed(SCHEDULERS[:1]))
        if slurm_program:
            with slurm.Slurm(folder / f"slurm-{turn}", UNITS) as controller:
                theirs.append(measure_slurm(slurm_program, controller))
    return ours, theirs


def median(runs, name):
    return statistics.median(number(run, name) for run in runs)


def measure(programs, slurm_program, say):
    figures = {}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vcity-bench-")))
        stand = stack.enter_context(Stand(programs / "apps/vcity/vcity", folder / "stand", NODES, SCHEDULERS[1:]))
        bench = Bench(programs, stand, folder / "stand")
        figures["disk_flush_p50_ms"] = flush_millis(folder)
        say("one scheduler on SQLite, and Slurm")
        ours, theirs = alternate(bench, slurm_program, folder)
        peak = median(ours, "per_second")
        figures["jobs_per_second_sqlite"] = peak
        figures["sqlite_peak_p50_ms"] = median(ours, "placed_p50_ms")
        figures["sqlite_peak_p99_ms"] = median(ours, "placed_p99_ms")
        figures["sqlite_cpu_us_per_job"] = median(ours, "cpu_us_per_job")
        say("at half of the rate, and at three times")
        half = bench.open(SCHEDULERS[:1], peak / 2)
        figures["sqlite_p50_ms"] = number(half, "placed_p50_ms")
        figures["sqlite_p99_ms"] = number(half, "placed_p99_ms")
        add_overload(figures, bench.open(SCHEDULERS[:1], peak * 3), peak)
        say("two schedulers on PostgreSQL")
        postgres = stack.enter_context(Postgres())
        pairs = [bench.closed(SCHEDULERS, postgres.fresh_uri()) for _ in range(ROUNDS)]
        figures["jobs_per_second_postgres2"] = median(pairs, "per_second")
        figures["postgres2_peak_p50_ms"] = median(pairs, "placed_p50_ms")
        half = bench.open(SCHEDULERS, figures["jobs_per_second_postgres2"] / 2, postgres.fresh_uri())
        figures["postgres2_p50_ms"] = number(half, "placed_p50_ms")
        figures["postgres2_p99_ms"] = number(half, "placed_p99_ms")
        if theirs:
            figures["slurm_jobs_per_second"] = statistics.median(rate for rate, _ in theirs)
            figures["slurm_p50_ms"] = statistics.median(p50 for _, p50 in theirs)
            figures["slurm_ratio"] = peak / figures["slurm_jobs_per_second"]
    return figures


def add_overload(figures, run, peak):
    total = run["placed"] + run["refused"] + run["unplaced"] + run["unanswered"]
    figures["overload_share"] = number(run, "per_second") / peak
    for name in ("p50", "p99", "max"):
        figures[f"overload_{name}_ms"] = number(run, f"placed_{name}_ms")
    figures["overload_refused_share"] = run["refused_exhausted"] / total
    figures["overload_refused_p99_ms"] = number(run, "refused_p99_ms")
    figures["overload_unanswered"] = run["unanswered"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder of the build")
    parser.add_argument("--slurm-load", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    def say(text):
        print(text, file=sys.stderr, flush=True)

    figures = measure(args.programs, args.slurm_load, say)
    core = subprocess.run([args.programs / "bench/scheduler/scheduler_core"], text=True, stdout=subprocess.PIPE,
                          check=True)
    figures.update(json.loads(core.stdout))
    figures = {name: float(f"{value:.4g}") for name, value in sorted(figures.items())}
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<28} {value:>12,.4g}" if value < 1000 else f"{name:<28} {value:>12,.0f}")
    if "slurm_ratio" not in figures:
        print(f"Slurm was not measured: {slurm.why_not() or 'its load could not be built'}")


if __name__ == "__main__":
    main()
