# SPDX-License-Identifier: Apache-2.0
"""A node's agent that is killed while a container works: the next one goes on with it, and nothing is done or paid
twice. Real podman, real kill -9."""
import os
import signal
import time
import unittest

from harness import NetworkTest, wait_for
from podman import Podman

LINES = 12


class Adopt(NetworkTest):
    @classmethod
    def setUpClass(cls):
        cls.podman = Podman().__enter__()
        cls.addClassCleanup(cls.podman.__exit__)
        cls.EXTRA = ("--nodes", "1", "--containers", str(cls.podman.socket))
        super().setUpClass()

    def order(self, script, **fields):
        step = {"image": self.podman.image, "command": ["/bin/sh", "-c", script], "seconds_max": 120,
                "resources": {"cpus": 0.25, "memory_gb": 0.0625, "disk_gb": 0.01}, **fields}
        answer = self.request("POST", "/v1/jobs", {"budget": "0.5", "steps": [step]})
        self.assertIn(answer.status, (200, 201), answer.body)
        return answer.json()["id"]

    def status(self, job_id):
        return self.request("GET", "/v1/jobs/" + job_id).json()

    def output(self, job_id):
        return self.request("GET", f"/v1/jobs/{job_id}/logs?step=main/0").json()["data"]

    def kill_agent(self):
        pid = self.net.refreshed()["pids"]["node-1"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.net.refreshed()["pids"].get("node-1") not in (None, pid), "the next agent")

    def test_the_container_of_a_killed_agent_goes_on_under_the_next(self):
        wait_for(lambda: self.request("GET", "/v1/offers").json().get("data"), "the unit")
        begun = time.monotonic()
        job_id = self.order(f"for i in $(seq {LINES}); do echo line $i; sleep 1; done; echo kept > /job/out/a.txt",
                            keeps_files=True)
        for lines in (2, 5):
            wait_for(lambda: self.output(job_id).count("\n") >= lines, f"{lines} lines of output")
            containers = self.podman.containers()
            self.assertEqual(len(containers), 1)
            self.kill_agent()
            self.assertEqual(self.podman.containers(), containers, "the same container runs on")
        job = wait_for(lambda: (lambda now: now["state"] != "active" and now)(self.status(job_id)), "the end", 90)
        took = time.monotonic() - begun
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual(job["steps"][0]["attempt"], 1, "it was begun once")
        self.assertEqual(self.output(job_id), "".join(f"line {i}\n" for i in range(1, LINES + 1)))
        files = self.request("GET", f"/v1/jobs/{job_id}/files").json()["data"]
        self.assertEqual([file["name"] for file in files], ["a.txt"], files)
        seconds = job["steps"][0].get("seconds")
        if seconds is not None:
            self.assertGreaterEqual(seconds, LINES)
            self.assertLessEqual(seconds, took)
        self.assertGreater(float(job["charged"]), 0)
        wait_for(lambda: not self.podman.containers(), "the container to be removed")

    def test_a_container_that_nobody_wants_any_more_is_removed(self):
        wait_for(lambda: self.request("GET", "/v1/offers").json().get("data"), "the unit")
        job_id = self.order("echo begun; sleep 100")
        wait_for(lambda: "begun" in self.output(job_id), "its output")
        pid = self.net.refreshed()["pids"]["node-1"]
        os.kill(pid, signal.SIGSTOP)  # it hears nothing
        # 503: taken, but its node does not say that it has stopped.
        self.assertIn(self.request("DELETE", "/v1/jobs/" + job_id).status, (200, 503))
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.podman.containers(), "the container to be removed")
        wait_for(lambda: self.status(job_id)["state"] == "cancelled", "the end of the job", 90)


if __name__ == "__main__":
    unittest.main()
