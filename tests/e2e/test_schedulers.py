#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two scheduler processes on one PostgreSQL server: each is home of one shard and stands by for the other's. Round after
round one of them, drawn by chance, is killed with SIGKILL or stopped with SIGSTOP for longer than a lease, while nodes
work and jobs come in without a pause. The other must take over; what was stopped must find that it has been replaced.

Must hold, as the nodes and the gateway of schedulers_trial see it: no unit is granted while it works, no fencing token
and no epoch goes back, no job that was acknowledged is unknown later, every job ends, and peers are welcomed by the new
process within five seconds.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from devlib.postgres import Postgres  # noqa: E402
from devlib.shell import Failed  # noqa: E402
from devlib.stand import Stand, free_port, is_ready  # noqa: E402

SHARDS = ("scheduler", "scheduler-2")
NODES = 4
TAKEOVER_SECONDS = 5.0
PATIENCE_SECONDS = 30
# Longer than a lease of 2.5 s, up to twice as long.
PAUSE_SECONDS = (3.0, 6.0)
ANSWERS_BETWEEN = 4  # jobs that each shard must have taken before the next fault
END_SECONDS = 120


class Peers:
    """The trial program, and what it has told so far."""

    def __init__(self, program, stand, links):
        shards = [word for shard, urls in links.items() for word in ("--shard", f"{shard}={','.join(urls)}")]
        command = [program, "--state", stand.folder, "--rpc", stand.rpc, "--nodes", NODES, *shards]
        self.log = open(stand.folder / "logs/peers.log", "wb")
        self.process = subprocess.Popen([str(word) for word in command], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.lock = threading.Lock()
        self.events, self.end = [], None
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self.lock:
                self.events.append(event)
            if event["event"] == "end":
                self.end = event

    def after(self, milliseconds, kind, shard=None):
        with self.lock:
            return [each for each in self.events
                    if each["ms"] >= milliseconds and each["event"] == kind and shard in (None, each.get("shard"))]

    def finish(self):
        """Stops ordering, waits for all jobs to end; the totals."""
        self.process.stdin.close()
        self.process.wait(END_SECONDS)
        self.reader.join()
        return self.end

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.log.close()


class Trial:
    def __init__(self, vcity, program, stand, database, chance):
        self.vcity, self.stand, self.chance = vcity, stand, chance
        self.hosts, self.links, self.ops = {}, {shard: [] for shard in SHARDS}, {}
        self.owner = dict(zip(SHARDS, ("host-1", "host-2")))
        for index, name in enumerate(("host-1", "host-2")):
            port, self.ops[name] = free_port(), free_port()
            own = [SHARDS[index], SHARDS[1 - index]]
            words = [word for shard, place in zip(own, ("home", "standby"))
                     for word in ("--shard", f"{stand.folder}/keys/{shard}.json:{place}")]
            command = [*stand.role_words("scheduler", SHARDS[index], self.ops[name], name), "--store", database.uri(),
                       "--listen", f"127.0.0.1:{port}", "--gateway", stand.address("gateway"), "--stake", "20000",
                       "--epoch-seconds", "3", *words]
            self.hosts[name] = stand.start(name, command)
            for shard in SHARDS:
                self.links[shard].append(f"ws://127.0.0.1:{port}/shards/{stand.address(shard)}")
        for name, process in self.hosts.items():
            self.await_ready(name, process)
        self.peers = Peers(program, stand, self.links)
        self.takeovers, self.services, self.faults = [], [], {"kill": 0, "pause": 0}

    def await_ready(self, name, process):
        self.stand.wait(lambda: is_ready(self.ops[name]) or not process.is_running(), f"{name} to be ready")
        if not process.is_running():
            raise Failed(f"{name} ended:\n{process.tail()}")

    def now(self):
        return int(time.monotonic() * 1000)

    def await_work(self, since):
        for shard in SHARDS:
            self.stand.wait(lambda: len(self.peers.after(since, "accepted", shard)) >= ANSWERS_BETWEEN,
                            f"jobs to be taken by {shard}", PATIENCE_SECONDS)

    def first(self, since, kind, shard):
        def found():
            events = self.peers.after(since, kind, shard)
            return events[0]["ms"] if events else None

        return self.stand.wait(found, f"{kind} of {shard}", PATIENCE_SECONDS)

    def round(self):
        victim = self.chance.choice(tuple(self.hosts))
        # A victim that owns nothing shows that its death harms nobody; most should show more.
        if victim not in self.owner.values() and self.chance.random() < 0.8:
            victim = next(iter(self.owner.values()))
        other = next(name for name in self.hosts if name != victim)
        fault = self.chance.choice(("kill", "pause"))
        self.faults[fault] += 1
        time.sleep(self.chance.uniform(0, 0.3))
        process, began = self.hosts[victim], self.now()
        if fault == "kill":
            process.kill()
        else:
            process.send(signal.SIGSTOP)
        for shard in SHARDS:
            if self.owner[shard] != victim:
                continue
            taken = self.first(began + 1, "up", shard)
            served = self.first(taken, "accepted", shard)
            self.takeovers.append((taken - began) / 1000)
            self.services.append((served - began) / 1000)
            self.owner[shard] = other
        if fault == "kill":
            process.start()
        else:
            time.sleep(max(0, began / 1000 + self.chance.uniform(*PAUSE_SECONDS) - time.monotonic()))
            process.send(signal.SIGCONT)
            time.sleep(0.5)
            if not process.is_running():
                process.start()
        self.await_ready(victim, process)
        self.await_work(self.now())
        return victim, fault

    def check(self, totals):
        problems = [event["what"] for event in self.peers.after(0, "violation")]
        problems += [f"job {event['job']} was acknowledged and is unknown" for event in self.peers.after(0, "lost")]
        if totals is None:
            return [*problems, "the trial program ended early"]
        if totals["open"]:
            problems.append(f"{totals['open']} jobs have not ended")
        if totals["accepted"] != totals["succeeded"] + totals["failed"] + totals["lost"] + totals["open"]:
            problems.append(f"the numbers do not add up: {totals}")
        slow = [seconds for seconds in self.takeovers if seconds > TAKEOVER_SECONDS]
        if slow:
            problems.append(f"{len(slow)} of {len(self.takeovers)} takeovers took longer than {TAKEOVER_SECONDS} s: "
                            f"up to {max(slow):.2f} s")
        return problems


def summary(trial, totals, rounds):
    def spread(values):
        return {"median": round(statistics.median(values), 2), "max": round(max(values), 2)} if values else None

    return {"rounds": rounds, **trial.faults, "takeovers": len(trial.takeovers),
            "takeover_s": spread(trial.takeovers), "first_job_s": spread(trial.services),
            "jobs_acknowledged": totals["accepted"], "jobs_succeeded": totals["succeeded"],
            "jobs_failed": totals["failed"], "jobs_lost": totals["lost"], "jobs_open": totals["open"],
            "leases": totals["grants"]}


def run(args, folder, say):
    chance = random.Random(args.seed)
    with Postgres() as database, Stand(args.vcity, folder, NODES, SHARDS[1:]) as stand:
        trial = Trial(args.vcity, args.trial, stand, database, chance)
        try:
            trial.await_work(0)
            for number in range(1, args.rounds + 1):
                victim, fault = trial.round()
                if number % max(1, args.rounds // 20) == 0:
                    say(f"round {number}: {fault} of {victim}; {len(trial.peers.after(0, 'accepted'))} jobs so far, "
                        f"takeovers up to {max(trial.takeovers, default=0):.2f} s")
            totals = trial.peers.finish()
        finally:
            trial.peers.kill()
        problems = trial.check(totals)
        if totals:
            say(json.dumps(summary(trial, totals, args.rounds)))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vcity", type=pathlib.Path, default=os.environ.get("VCITY_PROGRAM"))
    parser.add_argument("--trial", type=pathlib.Path, default=os.environ.get("VCITY_SCHEDULERS_TRIAL"))
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-schedulers-"))
    print(f"seed {args.seed}, files in {folder}", flush=True)
    try:
        problems = run(args, folder, lambda text: print(text, flush=True))
    except Failed as failure:
        problems = [str(failure)]
    for problem in problems:
        print(f"FAILED: {problem}", flush=True)
    if not problems:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
