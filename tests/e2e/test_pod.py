# SPDX-License-Identifier: Apache-2.0
"""A pod, end to end, with real processes: rented, entered with and without ssh, its port forwarded and seen by a browser,
and nobody pays while its node is away. No port of the node is open for any of this."""
import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import VCITY, NetworkTest, wait_for

PAGE = "hello from the pod"
SERVE = f"""mkdir -p www && echo '{PAGE}' > www/index.html && cd www && echo ready &&
exec python3 -m http.server 8000 --bind 127.0.0.1"""


class Pod(NetworkTest):
    EXTRA = ("--nodes", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.folder / "key"], check=True)
        public = (cls.folder / "key.pub").read_text().strip()
        cls.public_key = public
        test = cls("test_a_shell_has_the_commands_exit_status")
        wait_for(lambda: test.request("GET", "/v1/offers?q=num_gpus%3D0").json().get("data"), "a unit on offer", 60)
        order = {"budget": "0.5", "steps": [{
            "run": SERVE, "resources": {"cpus": 0.5, "memory_gb": 0.25}, "seconds_max": 3600, "service": True,
            "ports": [{"name": "web", "port": 8000}], "env": {"VCITY_SSH_KEY": public}}]}
        answer = test.request("POST", "/v1/jobs", order)
        assert answer.status == 201, answer.body
        cls.job_id = answer.json()["id"]
        wait_for(lambda: test.step()["state"] == "running", "the pod to run")
        wait_for(lambda: "ready" in test.logs(), "its output")
        page = f"/v1/jobs/{cls.job_id}/ports/main/0/8000/index.html"
        wait_for(lambda: test.request("GET", page).status == 200, "its server")

    def step(self):
        return self.request("GET", "/v1/jobs/" + self.job_id).json()["steps"][0]

    def logs(self):
        return self.request("GET", f"/v1/jobs/{self.job_id}/logs?step=main").json().get("data", "")

    def words(self, *words):
        return [str(word) for word in (VCITY, "--settings", self.folder / "cli.toml", *words)]

    def ssh(self, *words):
        proxy = " ".join(self.words("ssh", "--proxy", self.job_id))
        return subprocess.run(
            ["ssh", "-o", "ProxyCommand=" + proxy, "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={self.folder}/known", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes",
             "-i", str(self.folder / "key"), "pod@" + self.job_id, *words],
            text=True, capture_output=True, timeout=60)

    def test_a_shell_has_the_commands_exit_status(self):
        result = subprocess.run(self.words("ssh", self.job_id, "--", "sh", "-c", "cat; echo $VCITY_JOB >&2; exit 7"),
                                input="typed\n", text=True, capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assertIn("typed\n", result.stdout)

    def test_a_terminal_can_be_typed_on(self):
        child, terminal = pty.fork()
        if child == 0:
            words = self.words("ssh", self.job_id)
            os.execv(words[0], words)
        seen = ""
        os.write(terminal, b"echo $((20+22)); test -t 0 && echo on a terminal; exit 5\n")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            seen += piece.decode(errors="replace")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertRegex(seen, r"[\r\n]42\r")
        self.assertRegex(seen, r"[\r\n]on a terminal\r")
        self.assertEqual(status, 5, seen)

    def test_the_real_ssh_client_gets_in_with_the_customers_key(self):
        result = self.ssh("whoami; pwd; cat www/index.html; exit 3")
        self.assertEqual(result.stdout, f"pod\n/job\n{PAGE}\n", result.stderr)
        self.assertEqual(result.returncode, 3)

    def test_a_port_is_forwarded_to_this_machine(self):
        forward = subprocess.Popen(self.words("port-forward", self.job_id, "0:8000"), text=True,
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            line = forward.stderr.readline()
            port = re.search(r"127\.0\.0\.1:(\d+) -> main/0 port 8000", line)
            self.assertTrue(port, line)
            for _ in range(3):
                with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/index.html", timeout=20) as page:
                    self.assertEqual(page.read().decode(), PAGE + "\n")
        finally:
            forward.send_signal(signal.SIGINT)
            forward.wait(10)
            forward.stderr.close()

    def test_a_browser_sees_the_port_with_a_key_or_with_a_link(self):
        path = f"/v1/jobs/{self.job_id}/ports/main/0/8000"
        self.assertEqual(self.request("GET", path + "/index.html").body, PAGE + "\n")
        made = self.request("POST", f"/v1/jobs/{self.job_id}/links", {"path": "ports/main/0/8000", "seconds": 60})
        self.assertEqual(made.status, 200, made.body)
        with urllib.request.urlopen(made.json()["url"], timeout=20) as page:
            self.assertEqual(page.read().decode(), PAGE + "\n")
            self.assertTrue(page.headers["Content-Security-Policy"].startswith("sandbox"))
        refused = self.request("GET", path + "/index.html", headers={"Authorization": "Bearer sk-vcity-nobody"})
        self.assertEqual(refused.status, 401)

    def test_other_ports_are_refused_with_the_reason(self):
        answer = self.request("GET", f"/v1/jobs/{self.job_id}/ports/main/0/22/")
        self.assertEqual((answer.status, answer.json()["error"]["code"]), (403, "step_port_refused"), answer.body)
        result = subprocess.run(self.words("ssh", "job-" + "0" * 64, "--step", "main/0"), text=True,
                                capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 4 if "denied" in result.stderr else result.returncode)
        self.assertIn("no job of this id runs for this client", result.stderr)

    def test_zz_the_meter_stands_while_the_node_is_away(self):
        node = self.net.refreshed()["pids"]["node-1"]
        begun = self.step()["started"]
        time.sleep(8)
        os.kill(node, signal.SIGSTOP)
        stopped = time.monotonic()
        time.sleep(20)  # a link is lost after 15 seconds of silence
        os.kill(node, signal.SIGCONT)
        wait_for(lambda: self.request("GET", f"/v1/jobs/{self.job_id}/ports/main/0/8000/index.html").status == 200,
                 "the pod to be reached again", 60)
        away = time.monotonic() - stopped
        self.assertEqual(self.step()["attempt"], 1, "the pod kept its node")
        answer = self.request("DELETE", "/v1/jobs/" + self.job_id)
        self.assertEqual(answer.status, 200, answer.body)

        def ended():
            job = self.request("GET", "/v1/jobs/" + self.job_id).json()
            return job if job["state"] == "cancelled" else None

        step = wait_for(ended, "the pod to end")["steps"][0]
        lasted = step["ended"] - begun
        paid = float(step["charged"]) / float(step["hourly"]) * 3600
        print(f"pod lasted {lasted:.1f} s, its node was away for about {away:.1f} s, {paid:.1f} s were paid",
              flush=True)
        self.assertLess(paid, lasted - 15)
        self.assertGreater(paid, 2)
        self.assertEqual(step["termination"]["reason"], "cancelled")


if __name__ == "__main__":
    unittest.main()
