# SPDX-License-Identifier: Apache-2.0
"""A GPU owner's day, with real programs: from a bare folder to the first paid job with one command, then everything that
`vcity node` offers the owner of a node."""
import json
import signal
import subprocess
import tarfile
import time
import unittest
import urllib.error
import urllib.request

from harness import VCITY, WORKER, NetworkTest, wait_for

REGION = "cellar"
FIRST_PAID_SECONDS_MAX = 300
# A machine that compiles meanwhile may take its time.
PATIENCE_SECONDS = 120
SCHEMA = ["id", "title", "status", "actual", "required", "operator", "unit", "summary", "purpose", "remediation"]


class Operator(NetworkTest):
    EXTRA = ("--nodes", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.folder / "owner"
        cls.child = None
        cls.addClassCleanup(cls.stop)

    @classmethod
    def stop(cls, number=signal.SIGTERM):
        if cls.child is not None and cls.child.poll() is None:
            cls.child.send_signal(number)
            cls.child.wait(30)

    def run_vcity(self, *words, code=0):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", *words], text=True,
                                capture_output=True, timeout=120, cwd=self.folder, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, f"{words}: {result.stdout}{result.stderr}")
        return result

    def node(self, verb, *words, code=0):
        result = self.run_vcity("node", verb, "--state", self.home, *words, code=code)
        return json.loads(result.stdout) if result.stdout.startswith(("{", "[")) else result.stdout

    def join_words(self):
        return ["node", "join", "--state", self.home, "--network", self.folder / "devnet.json", "--worker", WORKER,
                "--region", REGION, "--unit-cores", "1", "--unit-memory-mib", "512", "--unit-price", "2",
                "--price-output", "900000", "--power-watts", "350", "--power-price", "0.30"]

    def funder(self):
        return ["--yes", "--funder-keystore", self.folder / "keys/deployer.json",
                "--funder-password-file", self.folder / "keys/password"]

    @classmethod
    def start(cls, words):
        cls.home.mkdir(exist_ok=True)
        with open(cls.home / "node.log", "ab") as log:
            cls.child = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log,
                                         stdin=subprocess.DEVNULL, start_new_session=True)

    def restart(self):
        self.stop(signal.SIGKILL)
        self.start([VCITY, "node", "run", "--config", self.home / "node.toml"])
        self.until_connected()

    def until_connected(self):
        def connected():
            answer = subprocess.run([VCITY, "--json", "node", "status", "--state", self.home], text=True,
                                    capture_output=True)
            status = json.loads(answer.stdout) if answer.stdout else {}
            return status.get("network", {}).get("link") == "connected" and status

        return wait_for(connected, "the node's link", PATIENCE_SECONDS)

    def order(self, script, seconds_max=60, cpus=0.5):
        answer = self.request("POST", "/v1/jobs", {"budget": "0.5", "where": {"regions": [REGION]}, "steps": [
            {"run": script, "resources": {"cpus": cpus, "memory_gb": 0.125}, "seconds_max": seconds_max}]})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["id"]

    def work(self, job_id):
        answer = self.request("GET", "/v1/jobs/" + job_id)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def until(self, job_id, *states):
        return wait_for(lambda: (lambda job: job["state"] in states and job)(self.work(job_id)), f"{job_id} {states}",
                        PATIENCE_SECONDS)

    def until_runs(self, job_id):
        wait_for(lambda: self.work(job_id)["steps"][0]["state"] == "running", f"{job_id} to run",
                 PATIENCE_SECONDS)

    def test_1_a_dry_run_checks_and_changes_nothing(self):
        answer = json.loads(self.run_vcity(*self.join_words(), "--dry-run").stdout)
        self.assertTrue(answer["self_test"]["healthy"], answer)
        for check in answer["self_test"]["checks"]:
            self.assertEqual(list(check), SCHEMA)
        self.assertEqual(answer["identity"], "a new key")
        self.assertGreater(float(answer["missing_vcai"]), 0)
        self.assertFalse(self.home.exists())
        refused = self.run_vcity("node", "status", "--state", self.home, code=3)
        self.assertIn("vcity node join", refused.stderr)

    def test_2_without_money_it_says_what_to_send_where(self):
        refused = self.run_vcity(*self.join_words(), "--no-service", code=7)
        address = "0x" + json.loads((self.home / "keys/node.json").read_text())["address"].removeprefix("0x")
        self.assertIn(address.lower(), refused.stderr.lower())
        self.assertIn("VCAI", refused.stderr)

    def test_3_from_a_bare_folder_to_the_first_paid_job(self):
        # The folder of before goes: this is a machine that was never seen.
        subprocess.run(["rm", "-rf", self.home], check=True)
        began = time.monotonic()
        self.start([VCITY, *self.join_words(), *self.funder(), "--run"])
        self.until_connected()
        joined = time.monotonic()
        job_id = self.order("echo first; sleep 2; echo paid")
        job = self.until(job_id, "succeeded", "failed", "cancelled")
        self.assertEqual(job["state"], "succeeded", job)
        done = time.monotonic()
        wait_for(lambda: float(self.node("status")["earnings"]["paid_usd"]) > 0, "the payout", 120)
        paid = time.monotonic()
        print(f"\nfrom a bare folder with `vcity node join`: connected after {joined - began:.1f} s, first job done after "
              f"{done - began:.1f} s, paid out on chain after {paid - began:.1f} s", flush=True)
        self.assertLess(paid - began, FIRST_PAID_SECONDS_MAX)
        payouts = self.node("earnings")["payouts"]
        self.assertEqual(len(payouts[0]["transaction"]), 66)
        for path in (self.home, self.home / "keys"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        self.assertIn("ciphertext", (self.home / "keys/node.json").read_text())

    def test_4_drain_finishes_what_runs_and_takes_nothing_new(self):
        self.addCleanup(self.node, "resume")
        # Both need the whole unit. The second is accepted now, because a drained unit is none that an order could want.
        running = self.order("sleep 12; echo kept", cpus=1)
        self.until_runs(running)
        self.assertIn("vcity_node_unit_steps_running{unit=\"0\"} 1", self.metrics())
        self.assertIn("vcity_node_step_seconds{job=", self.metrics())
        waiting = self.order("echo later", cpus=1)
        drained = self.node("drain", "--wait", "100")
        self.assertEqual((drained["takes_work"], drained["running"]), (False, 0))
        self.assertEqual(self.until(running, "succeeded", "failed")["state"], "succeeded")
        self.restart()
        self.assertEqual(self.node("status")["service"]["intake"], "drained: takes no new work", "it stands after a crash")
        self.assertNotIn(self.work(waiting)["steps"][0]["state"], ("running", "succeeded"))
        self.assertTrue(self.node("resume")["takes_work"])
        self.assertEqual(self.until(waiting, "succeeded", "failed", "cancelled")["state"], "succeeded")

    def test_4_the_owner_takes_the_machine_and_the_work_goes_on_elsewhere_and_is_paid(self):
        """A home node leaves in the middle of a step and comes back: nothing that was paid for is lost."""
        self.addCleanup(self.node, "resume")
        offers = self.request("GET", "/v1/offers?q=num_gpus%3D0").json()["data"]
        elsewhere = next(one["geolocation"] for one in offers if one["geolocation"] != REGION)
        blocker = self.request("POST", "/v1/jobs", {"budget": "0.5", "where": {"regions": [elsewhere]}, "steps": [
            {"run": "sleep 12", "resources": {"cpus": 1, "memory_gb": 0.125}, "seconds_max": 60}]}).json()["id"]
        self.until_runs(blocker)
        results = int(self.node("earnings")["total"]["results"])
        job_id = self.request("POST", "/v1/jobs", {"budget": "1", "steps": [{
            "run": "at=$(cat checkpoint/at 2>/dev/null || echo 0); echo begins at $at; while [ $at -lt 60 ]; do "
                   "at=$((at + 1)); echo $at > checkpoint/new; mv checkpoint/new checkpoint/at; sleep 0.1; done; echo over",
            "checkpoint_seconds": 60, "retries": 0, "seconds_max": 120,
            "resources": {"cpus": 1, "memory_gb": 0.125}}]}).json()["id"]
        self.until_runs(job_id)
        home = self.work(job_id)["steps"][0]["node"]
        time.sleep(3)
        left = self.node("drain", "--now", "--wait", "30")
        self.assertEqual((left["takes_work"], left["running"]), (False, 0))
        job = self.until(job_id, "succeeded", "failed", "cancelled")
        self.assertEqual(job["state"], "succeeded", job)
        self.assertNotEqual(job["steps"][0]["node"], home)
        self.assertEqual(job["steps"][0]["attempt"], 2)
        output = self.request("GET", f"/v1/jobs/{job_id}/logs?step=main/0").json()["data"]
        self.assertRegex(output, r"^begins at [1-9]\d?\n")
        self.assertTrue(output.endswith("over\n"), output)
        wait_for(lambda: int(self.node("earnings")["total"]["results"]) == results + 1, "its pay for what it did")
        self.assertTrue(self.node("resume")["takes_work"])
        self.assertEqual(self.until(self.order("echo back"), "succeeded", "failed")["state"], "succeeded")

    def test_5_maintenance_begins_and_ends_by_itself(self):
        planned = self.node("maintain", "--from", "+1h", "--for", "2h", "--category", "power")
        self.assertTrue(planned["takes_work"])
        self.assertEqual(len(planned["maintenance"]), 1)
        self.assertFalse(self.node("maintain", "--for", "6s", "--category", "disk")["takes_work"])
        wait_for(lambda: self.node("status")["service"]["intake"] == "takes work", "the end of the maintenance",
                 PATIENCE_SECONDS)
        self.assertEqual(self.node("maintain", "--cancel")["maintenance"], [])
        self.run_vcity("node", "maintain", "--state", self.home, "--for", "2y", code=2)
        self.run_vcity("node", "maintain", "--state", self.home, "--from", "2020-01-01", "--for", "1h", code=2)

    def test_6_earnings_are_told_by_day_job_and_gpu(self):
        total = None
        for by in ("day", "job", "gpu"):
            report = self.node("earnings", "--by", by)
            self.assertEqual(report["by"], by)
            total = total or report["total"]
            self.assertEqual(report["total"]["gross_usd"], total["gross_usd"])
            self.assertAlmostEqual(sum(float(row["gross_usd"]) for row in report["rows"]), float(total["gross_usd"]), 5)
        self.assertEqual(self.node("earnings", "--by", "gpu")["rows"][0]["gpu"], "unit 0 cpu")
        self.assertGreater(float(total["power_usd"]), 0)
        lines = self.node("earnings", "--csv", "--by", "job").strip().split("\n")
        self.assertEqual(len(lines), 1 + int(total["results"]))
        self.assertEqual(self.node("earnings", "--to", "2020-01-01")["total"]["results"], 0)

    def metrics(self):
        url = json.loads((self.home / "ops.json").read_text())["url"]
        with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
            return answer.read().decode()

    def test_7_only_the_owner_steers_the_node(self):
        url = json.loads((self.home / "ops.json").read_text())["url"]
        token = (self.home / "ops-token").read_text().strip()
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {token}", "Origin": "http://x"}):
            request = urllib.request.Request(url + "/admin/drain", data=b"{}", headers=headers)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            self.assertEqual(refused.exception.code, 403)
        self.assertEqual((self.home / "ops-token").stat().st_mode & 0o077, 0)
        self.assertEqual(self.node("status")["service"]["intake"], "takes work")

    def test_8_doctor_and_support_bundle(self):
        answer = self.node("doctor")
        self.assertTrue(answer["healthy"], answer)
        for check in answer["checks"]:
            self.assertEqual(list(check), SCHEMA)
        bundle = self.folder / "support.tar"
        self.node("support-bundle", "--file", bundle)
        with tarfile.open(bundle) as archive:
            text = {member.name: archive.extractfile(member).read().decode() for member in archive.getmembers()}
        whole = "\n".join(text.values())
        keystore = json.loads((self.home / "keys/node.json").read_text())
        secrets = [(self.home / "keys/password").read_text().strip(), (self.home / "ops-token").read_text().strip(),
                   keystore["crypto"]["ciphertext"], keystore["crypto"]["mac"]]
        for secret in secrets:
            self.assertNotIn(secret.removeprefix("0x"), whole)
        self.assertIn("vcity_node_link_up", text["vcity-support/metrics.txt"])
        self.assertIn("recovered", text["vcity-support/node.log"])
        self.assertIn(REGION, text["vcity-support/node.toml"])

    def test_9_a_node_that_is_down_is_told_of_and_joins_again_with_its_key(self):
        before = self.node("status")
        self.stop(signal.SIGKILL)
        down = json.loads(self.run_vcity("node", "status", "--state", self.home, code=1).stdout)
        self.assertEqual(down["service"]["state"], "stopped")
        self.assertEqual(down["earnings"]["results"], before["earnings"]["results"], "read from the store")
        sick = json.loads(self.run_vcity("node", "doctor", "--state", self.home, code=1).stdout)
        self.assertFalse(sick["healthy"])
        again = json.loads(self.run_vcity(*self.join_words(), "--no-service").stdout)
        self.assertEqual(again["identity"], before["node"]["identity"])
        self.assertTrue(again["active"])
        self.restart()


if __name__ == "__main__":
    unittest.main(verbosity=2)
