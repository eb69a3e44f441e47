# SPDX-License-Identifier: Apache-2.0
"""A node whose steps run on a Slurm cluster: a real slurmctld and slurmd, jobs, output, files, a cancel, an agent that
is killed, and a job that the cluster's owner ends."""
import os
import pathlib
import signal
import subprocess
import unittest

from harness import NetworkTest, wait_for
from slurm import Slurm

LINES = 10


class OnACluster(NetworkTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = Slurm().__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)
        cls.shared = cls.slurm.folder / "shared"
        cls.shared.mkdir()
        os.environ["SLURM_CONF"] = str(cls.slurm.config)
        cls.addClassCleanup(os.environ.pop, "SLURM_CONF", None)
        cls.EXTRA = ("--nodes", "1", "--slurm-folder", str(cls.shared))
        super().setUpClass()

    def setUp(self):
        wait_for(lambda: self.request("GET", "/v1/offers").json().get("data"), "the unit")

    def order(self, script, **fields):
        step = {"run": script, "seconds_max": 120, "retries": 2,
                "resources": {"cpus": 0.25, "memory_gb": 0.0625, "disk_gb": 0.01}, **fields}
        answer = self.request("POST", "/v1/jobs", {"budget": "0.5", "steps": [step]})
        self.assertIn(answer.status, (200, 201), answer.body)
        return answer.json()["id"]

    def status(self, job_id):
        return self.request("GET", "/v1/jobs/" + job_id).json()

    def ended(self, job_id):
        return wait_for(lambda: (lambda now: now["state"] != "active" and now)(self.status(job_id)), "the end", 90)

    def output(self, job_id):
        return self.request("GET", f"/v1/jobs/{job_id}/logs?step=main/0").json()["data"]

    def folders(self):
        return [path for path in self.shared.iterdir() if path.name.startswith("vcity-")]

    def test_a_step_runs_in_the_sandbox_on_the_cluster(self):
        job_id = self.order('echo $SLURM_JOB_ID/$HOME; id -u; ls /root 2>&1 | head -1; cat /proc/1/comm; exit 3',
                            retries=0)
        wait_for(self.slurm.jobs, "a job of Slurm")
        job = self.ended(job_id)
        self.assertEqual(job["steps"][0]["exit_code"], 3, job)
        lines = self.output(job_id).splitlines()
        self.assertEqual(lines[0], "//tmp", "nothing of the cluster's environment")
        self.assertNotEqual(lines[1], "0")
        self.assertIn("No such file", lines[2])
        wait_for(lambda: not self.slurm.jobs() and not self.folders(), "the cluster to be clean")

    def test_files_come_back_and_a_killed_agent_loses_nothing(self):
        job_id = self.order(f"for i in $(seq {LINES}); do echo line $i; sleep 1; done; echo kept > out/a.txt",
                            keeps_files=True)
        wait_for(lambda: self.output(job_id).count("\n") >= 2, "output")
        jobs = self.slurm.jobs()
        pid = self.net.refreshed()["pids"]["node-1"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.net.refreshed()["pids"].get("node-1") not in (None, pid), "the next agent")
        self.assertEqual(self.slurm.jobs(), jobs, "the same job runs on")
        job = self.ended(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual(job["steps"][0]["attempt"], 1, "it was begun once")
        self.assertEqual(self.output(job_id), "".join(f"line {i}\n" for i in range(1, LINES + 1)))
        files = self.request("GET", f"/v1/jobs/{job_id}/files").json()["data"]
        self.assertEqual([file["name"] for file in files], ["a.txt"], files)
        wait_for(lambda: not self.slurm.jobs() and not self.folders(), "the cluster to be clean")

    def test_a_cancel_reaches_the_cluster(self):
        job_id = self.order("echo begun; sleep 100")
        wait_for(lambda: "begun" in self.output(job_id), "output")
        self.assertIn(self.request("DELETE", "/v1/jobs/" + job_id).status, (200, 503))
        self.assertEqual(self.ended(job_id)["state"], "cancelled")
        wait_for(lambda: not self.slurm.jobs() and not self.folders(), "the cluster to be clean")

    def test_what_the_owner_of_the_cluster_ends_is_tried_again_and_not_the_customers_fault(self):
        job_id = self.order("echo begun; sleep 8; echo done", retries=0)
        wait_for(lambda: "begun" in self.output(job_id), "output")
        subprocess.run(["scancel", "--signal=KILL", "--full", *self.slurm.jobs()], check=True)
        job = self.ended(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual(job["steps"][0]["attempt"], 2)


if __name__ == "__main__":
    pathlib.Path("/usr/sbin/slurmd").stat()
    unittest.main()
