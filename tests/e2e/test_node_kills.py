# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a node's agent, of the runtime of a sandbox and of a job's own process, at random moments, with real
processes: no job is lost, nothing of a dead agent goes on, every unit is free again, nobody is billed twice. A short run
is a test; `tools/dev node-kills --rounds 100` is the long one."""
import argparse
import collections
import os
import pathlib
import random
import signal
import sys
import time
import unittest
import uuid

parser = argparse.ArgumentParser()
parser.add_argument("--vcity", help="the program (default: VCITY_PROGRAM)")
parser.add_argument("--worker", help="vcity-worker (default: VCITY_WORKER)")
parser.add_argument("--rounds", type=int, default=9)
parser.add_argument("--seed", type=int, default=None)
options = parser.parse_args()
if options.vcity:
    os.environ["VCITY_PROGRAM"], os.environ["VCITY_WORKER"] = options.vcity, options.worker

from harness import NetworkTest, wait_for  # noqa: E402

NODES = 3
KINDS = ("agent", "runtime", "job")
JOBS_AT_ONCE = 4
NODE_FAULTS_MAX = 8  # work::kNodeFaultsMax
LOOK_SECONDS = 0.7
ENDED = ("succeeded", "failed", "cancelled")


def processes_with(mark):
    """(pid, program) of every process whose command line holds the mark."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(mark.encode() in word for word in words):
            found.append((int(entry.name), words[0].decode().rsplit("/", 1)[-1]))
    return found


class NodeKills(NetworkTest):
    looked_at = 0.0

    def request(self, *words, **fields):
        """Waits when the key has sent too much for this minute."""
        def allowed():
            answer = NetworkTest.request(self, *words, **fields)
            return answer if answer.status != 429 else None

        return wait_for(allowed, "the rate limit to allow a request", 70)

    def offers(self):
        return self.request("GET", "/v1/offers?q=cpu_cores_free%3E%3D1").json().get("data", [])

    def order(self, number):
        """Two steps that print who they are; many retries, because a killed process is a failed try."""
        length = self.random.uniform(0.2, 1.5)
        script = f"echo begun {number} $VCITY_INDEX; sleep {length:.2f}; echo {self.mark} done {number} $VCITY_INDEX"
        answer = self.request("POST", "/v1/jobs", {"budget": "0.2", "steps": [
            {"run": script, "count": 2, "retries": 50, "seconds_max": 60,
             "resources": {"cpus": 0.25, "memory_gb": 0.0625, "disk_gb": 0.01}}]},
            headers={"Idempotency-Key": f"{self.mark}-{number}"})
        self.assertIn(answer.status, (200, 201), answer.body)
        return answer.json()["id"]

    def status(self, job_id):
        answer = self.request("GET", "/v1/jobs/" + job_id)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def victim(self, kind):
        """A process to kill, or None when there is none at this moment."""
        if kind == "agent":
            # One that waits to be started again has none.
            return self.net.refreshed()["pids"].get(f"node-{self.random.randint(1, NODES)}")
        is_runtime = kind == "runtime"
        pids = [pid for pid, program in processes_with(self.mark) if (program == "bwrap") == is_runtime]
        return self.random.choice(pids) if pids else None

    def kill_one(self, kind):
        def found():
            self.keep_busy()
            return self.victim(kind)

        pid = wait_for(found, f"a {kind} to kill", 60)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def keep_busy(self):
        if time.monotonic() < self.looked_at + LOOK_SECONDS:
            return
        self.looked_at = time.monotonic()
        running = [job_id for job_id in self.jobs if job_id not in self.over]
        for job_id in running:
            if self.status(job_id)["state"] in ENDED:
                self.over.add(job_id)
        while len(self.jobs) - len(self.over) < JOBS_AT_ONCE:
            self.jobs[self.order(len(self.jobs))] = len(self.jobs)

    def check_job(self, job_id):
        job = wait_for(lambda: (lambda now: now["state"] in ENDED and now)(self.status(job_id)), f"{job_id} to end", 120)
        if job["state"] == "failed":
            # The network gives a step up after so many faults of nodes, and says so: that is no lost job.
            self.assertTrue(job["error"], job)
            self.assertGreaterEqual(max(step["attempt"] for step in job["steps"]), NODE_FAULTS_MAX, job)
            return job
        self.assertEqual(job["state"], "succeeded", job)
        paid = sum(float(step["charged"]) for step in job["steps"])
        self.assertLessEqual(abs(float(job["charged"]) - paid), 0.000001, job)
        self.assertLessEqual(float(job["charged"]), 0.2)
        for index in range(2):
            output = self.request("GET", f"/v1/jobs/{job_id}/logs?step=main/{index}").json()["data"]
            self.assertEqual(output, f"begun {self.jobs[job_id]} {index}\n{self.mark} done {self.jobs[job_id]} {index}\n")
        return job

    def test_nothing_is_lost_leaked_or_billed_twice(self):
        seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
        self.random = random.Random(seed)
        self.mark = "kills-" + uuid.UUID(int=self.random.getrandbits(128)).hex
        self.jobs, self.over = {}, set()
        print(f"seed {seed}, {options.rounds} kills", flush=True)
        wait_for(lambda: len(self.offers()) == NODES, "units of all nodes", 60)
        self.before = self.of_client()
        killed = collections.Counter()
        while sum(killed.values()) < options.rounds:
            self.keep_busy()
            time.sleep(self.random.uniform(0, 0.5))
            kind = KINDS[sum(killed.values()) % len(KINDS)]
            killed[kind] += self.kill_one(kind)
        jobs = [self.check_job(job_id) for job_id in self.jobs]
        wait_for(lambda: len(self.offers()) == NODES, "every unit to be free again", 60)
        wait_for(lambda: not processes_with(self.mark), "the last process to end", 10)
        self.check_money(jobs)
        attempts = sum(step["attempt"] for job in jobs for step in job["steps"])
        given_up = sum(job["state"] == "failed" for job in jobs)
        print(f"killed {dict(killed)}; {len(jobs)} jobs, {len(jobs) - given_up} succeeded, {given_up} given up after "
              f"{NODE_FAULTS_MAX} faults of nodes, {attempts} attempts for {2 * len(jobs)} steps")

    def of_client(self):
        """Micro-dollars that the customer has left, in the wallet and in the escrow."""
        return next(int(row["total"]) for row in self.net.balances()["accounts"] if row["name"] == "client")

    def check_money(self, jobs):
        """What customers were told is what the caps are charged on chain: not twice, and not less."""
        charged = sum(round(float(job["charged"]) * 1_000_000) for job in jobs)


        def settled():
            self.assert_conserved()
            paid = self.before - self.of_client()
            self.assertLessEqual(paid, charged, "the chain took more than customers were told")
            return paid == charged

        wait_for(settled, f"{charged} micro-dollars to be settled", 90)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
