# SPDX-License-Identifier: Apache-2.0
"""Jobs on units, end to end: real nodes run real commands in bubblewrap, customers order over HTTP and the command line."""
import json
import signal
import subprocess
import time
import unittest
import urllib.parse

from harness import ROOT, VCITY, NetworkTest, wait_for

SMALL = {"cpus": 0.5, "memory_gb": 0.125}


def step(script, **fields):
    return {"run": script, "resources": SMALL, "seconds_max": 30, **fields}


class Jobs(NetworkTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Every node offers one unit of one core.
        test = cls("test_an_array_runs_and_is_charged_within_its_quote")
        wait_for(lambda: len(test.offers("num_gpus=0 rentable=true").get("data", [])) >= 3, "units of three nodes")

    def offers(self, query, **parameters):
        return self.request("GET", "/v1/offers?" + urllib.parse.urlencode({"q": query, **parameters})).json()

    def order(self, *steps, headers=None, path="/v1/jobs", **fields):
        return self.request("POST", path, {"budget": "0.5", "steps": list(steps), **fields}, headers=headers)

    def ordered(self, *steps, **fields):
        answer = self.order(*steps, **fields)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["id"]

    def status(self, job_id):
        answer = self.request("GET", "/v1/jobs/" + job_id)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def until(self, job_id, *states):
        return wait_for(lambda: (lambda job: job["state"] in states and job)(self.status(job_id)),
                        f"{job_id} to be {states}")

    def ended(self, job_id):
        return self.until(job_id, "succeeded", "failed", "cancelled")

    def until_runs(self, job_id):
        """The first step, once its node has said that it runs."""
        def running():
            first = self.status(job_id)["steps"][0]
            return first if first["state"] == "running" else None

        return wait_for(running, f"a step of {job_id} to run")

    def output(self, job_id, name):
        answer = self.request("GET", f"/v1/jobs/{job_id}/logs?step={name}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def vcity(self, *words, code=0, **options):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", *words], text=True, capture_output=True,
                                timeout=60, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_an_array_runs_and_is_charged_within_its_quote(self):
        spec = json.loads((ROOT / "docs/examples/array.json").read_text())
        quote = self.request("POST", "/v1/jobs?dry_run=1", spec)
        self.assertEqual(quote.status, 200, quote.body)
        # Without the quote's id the units that it holds would stay idle for a minute.
        accepted = self.request("POST", "/v1/jobs", {**spec, "quote_id": quote.json()["quote_id"]})
        self.assertEqual(accepted.status, 201, accepted.body)
        job_id = accepted.json()["id"]
        job = self.ended(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual({entry["exit_code"] for entry in job["steps"]}, {0})
        self.assertLessEqual(float(job["charged"]), float(quote.json()["most"]))
        self.assertGreater(float(job["charged"]), 0)
        for index in range(4):
            output = self.output(job_id, f"part/{index}")
            self.assertEqual(output["data"], f"part {index} of 4: {index * index}\nevery part has this file\n")
            self.assertTrue(output["end"])
        self.assertEqual(self.output(job_id, "join")["data"], "all parts are done\n")
        parts = [entry for entry in job["steps"] if entry["group"] == "part"]
        join = next(entry for entry in job["steps"] if entry["group"] == "join")
        self.assertGreaterEqual(join["started"], max(entry["ended"] for entry in parts), "join needs all parts")

        explanation = self.request("GET", f"/v1/jobs/{job_id}/explain").json()
        self.assertTrue(explanation["history"])
        self.assertTrue(all(entry["reason"] for entry in explanation["steps"]), explanation)

    def test_what_was_charged_settles_on_chain(self):
        def wallets():
            return {row["address"].lower(): int(row["wallet"]) for row in self.net.balances()["accounts"]}

        before = wallets()
        job = self.ended(self.ordered(step("sleep 1")))
        self.assertEqual(job["state"], "succeeded", job)
        node = job["steps"][0]["node"].lower()
        wait_for(lambda: wallets()[node] > before[node], "the node's claim", 60)
        self.assert_conserved()

    def test_a_failing_step_is_tried_again_and_then_the_job_fails(self):
        job = self.ended(self.ordered(step("echo try; exit 1", retries=1)))
        self.assertEqual(job["state"], "failed", job)
        self.assertEqual((job["steps"][0]["attempt"], job["steps"][0]["exit_code"]), (2, 1), job)
        self.assertTrue(job["error"])
        self.assertGreater(float(job["charged"]), 0, "what ran is paid")

    def test_a_long_job_is_cancelled(self):
        job_id = self.ordered(step("echo begun; sleep 1000", seconds_max=2000))
        self.until_runs(job_id)
        wait_for(lambda: "begun" in self.output(job_id, "main")["data"], "output while it runs")
        answer = self.request("DELETE", "/v1/jobs/" + job_id)
        self.assertEqual(answer.status, 200, answer.body)
        job = self.ended(job_id)
        self.assertEqual(job["state"], "cancelled", job)
        wait_for(lambda: len(self.offers("cpu_cores_free>=1").get("data", [])) >= 3, "its unit to be free again")

    def test_reserved_units_go_to_the_order_that_names_them_and_are_paid_for_either_way(self):
        spec = {"budget": "0.5", "name": "later", "steps": [step("echo used", resources={"cpus": 1, "memory_gb": 0.25})]}
        file = self.folder / "later.json"
        file.write_text(json.dumps(spec))
        reserve = ("job", "reserve", file, "--minutes", "30")
        quote = json.loads(self.vcity(*reserve, "--dry-run").stdout)
        most = float(quote["most"])
        self.assertAlmostEqual(most, 0.01 * 1830 / 3600, places=5)
        held = json.loads(self.vcity(*reserve, "--quote", str(quote["quote_id"])).stdout)
        node = self.until_runs(held["id"])["node"]
        offers = self.offers(f"node={node}")["data"]
        self.assertEqual([offer["rentable"] for offer in offers], [False], "it is nobody else's")

        job = json.loads(self.vcity("job", "submit", file, "--quote", str(held["quote_id"])).stdout)
        ended = self.ended(job["id"])
        self.assertEqual(ended["state"], "succeeded", ended)
        holding = self.ended(held["id"])
        self.assertEqual(holding["state"], "cancelled", holding)
        self.assertIn("the order that they were held for", holding["error"])
        self.assertTrue(0 < float(holding["charged"]) < most / 10, holding)
        again = self.order(step("true"), quote_id=held["quote_id"])
        self.assertEqual((again.status, again.error()), (404, "quote_not_found"), again.body)

    def test_the_same_idempotency_key_orders_once(self):
        headers = {"Idempotency-Key": "only-once"}
        first = self.order(step("true"), headers=headers).json()["id"]
        again = self.order(step("true"), headers=headers)
        self.assertEqual((again.status, again.json()["id"]), (200, first), again.body)
        other = self.order(step("false"), headers=headers)
        self.assertEqual((other.status, other.error()), (422, "idempotency_mismatch"), other.body)
        self.ended(first)

    def test_another_node_takes_over_when_one_is_killed(self):
        job_id = self.ordered(step("sleep 4; echo survived", seconds_max=60))
        first = self.until_runs(job_id)
        self.kill(self.role_of(first["node"]))
        job = self.ended(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        self.assertGreater(job["steps"][0]["attempt"], 1, job)
        self.assertEqual(self.output(job_id, "main")["data"], "survived\n")
        self.assert_conserved()

    def role_of(self, address):
        return next(row["name"] for row in self.net.balances()["accounts"]
                    if row["address"].lower() == address.lower())

    def test_bad_orders_are_refused_precisely(self):
        cases = [(step("true", count=-1), "steps[0].count"), (step("true", count=10**30), "steps[0].count"),
                 (step("true", moon=1), "steps[0].moon"), (step("true", retries="2"), "steps[0].retries"),
                 (step("true", needs=["nobody"]), "steps"), ({"name": "empty"}, "steps[0].run")]
        for bad, param in cases:
            answer = self.order(bad)
            self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, param), answer.body)
        for body in (b"{", b'{"budget":NaN}', b'{"budget":1e999,"steps":[]}', b"[" * 50_000, b'{"steps":"\xff"}'):
            self.assertEqual(self.request("POST", "/v1/jobs", body).status, 400, body[:40])
        self.assertEqual(self.order(step("true"), budget="1000000").status, 402)
        for path in ("/v1/jobs/job-" + "0" * 64, "/v1/jobs/job-x", "/v1/jobs/../../etc"):
            self.assertEqual(self.request("GET", path).status, 404, path)

    def test_an_input_that_is_not_there_is_its_customers_affair(self):
        answer = self.request("POST", "/v1/jobs", {"budget": "0.1", "steps": [{
            "run": "cat data", "retries": 1, "resources": {"cpus": 0.5, "memory_gb": 0.125}, "inputs": {
                "data": {"url": "https://localhost/data", "sha256": "ab" * 32, "bytes": 3}}}]})
        self.assertEqual(answer.status, 201, answer.body)
        job = wait_for(lambda: (lambda one: one["state"] != "active" and one)(
            self.request("GET", "/v1/jobs/" + answer.json()["id"]).json()), "the job's end")
        self.assertEqual((job["state"], float(job["charged"])), ("failed", 0), job)
        self.assertIn("input file data: ", job["error"])
        self.assertEqual(job["steps"][0]["attempt"], 2)
        self.assertEqual(job["steps"][0]["termination"]["reason"], "inputs")

    def test_what_no_unit_can_ever_run_is_refused(self):
        def refused():
            # For half a minute after its start a scheduler does not know yet who will come.
            answer = self.order(step("true", resources={"cpus": 4000}))
            if answer.status == 201:
                self.request("DELETE", "/v1/jobs/" + answer.json()["id"])
                time.sleep(1)
                return None
            return answer

        answer = wait_for(refused, "a step of 4,000 cores to be refused")
        self.assertEqual((answer.status, answer.error()), (400, "request_refused"), answer.body)

    def test_offers_are_searched(self):
        cheap = self.offers("cpu_cores>=1 dph<=1000", order="dph", limit=2)
        self.assertEqual(len(cheap["data"]), 2)
        self.assertLessEqual(cheap["data"][0]["dph"], cheap["data"][1]["dph"])
        self.assertEqual(self.offers("num_gpus>=1")["data"], [])
        for query in ("dhp<1", "dph<", 'gpu_name="', "dph<1e999", "(" * 100, "\0", "x" * 5000):
            self.assertIn("error", self.offers(query), query)

    def test_the_command_line_orders_and_follows(self):
        output = self.vcity("-o", "table", "job", "run", "--cpus", "0.5", "--memory-gb", "0.125", "--", "sh", "-c",
                            "echo hello from $VCITY_INDEX")
        self.assertIn("main/0 | hello from 0", output.stdout)
        self.assertIn("succeeded", output.stderr)
        self.vcity("job", "run", "--cpus", "0.5", "--memory-gb", "0.125", "--retries", "0", "--", "false", code=1)
        quote = json.loads(self.vcity("job", "submit", "--dry-run", ROOT / "docs/examples/array.json").stdout)
        self.assertGreater(float(quote["most"]), 0)
        job = json.loads(self.vcity("job", "submit", ROOT / "docs/examples/array.json").stdout)
        self.ended(job["id"])
        listed = json.loads(self.vcity("job", "list").stdout)["data"]
        self.assertIn(job["id"], [entry["id"] for entry in listed])
        self.assertIn("part 2 of 4", json.loads(self.vcity("job", "logs", job["id"], "part/2").stdout)["output"])
        self.assertTrue(json.loads(self.vcity("job", "explain", job["id"]).stdout)["history"])
        self.assertEqual(json.loads(self.vcity("job", "status", job["id"]).stdout)["state"], "succeeded")
        self.vcity("job", "status", "job-" + "0" * 64, code=3)
        self.vcity("job", "submit", "/nowhere.json", code=3)
        self.vcity("job", "cancel", job["id"])
        self.assertIn("cpu_cores", self.vcity("-o", "table", "offers", "fields").stdout)
        self.assertIn("flexible", self.vcity("-o", "table", "offers", "search", "cpu_cores>=1").stdout)
        self.vcity("offers", "search", "dhp<1", code=2)
        unit = json.loads(self.vcity("offers", "search", "unit=0").stdout)["data"][0]
        price = json.loads(self.vcity("offers", "explain", unit["node"], "--seconds", "1800").stdout)
        self.assertAlmostEqual(float(price["hourly"]), unit["dph"], places=5)
        self.assertAlmostEqual(float(price["most"]), unit["dph"] / 2, places=5)
        self.assertIn("Its owner asks", self.vcity("-o", "table", "offers", "explain", unit["node"]).stdout)
        self.vcity("offers", "explain", "0x" + "ee" * 20, code=3)

    def test_interrupting_the_watcher_leaves_the_job_running(self):
        watcher = subprocess.Popen([VCITY, "--settings", self.folder / "cli.toml", "-o", "table", "job", "run", "--cpus",
                                    "0.5", "--memory-gb", "0.125", "--", "sh", "-c", "sleep 5; echo late"],
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2)
        watcher.send_signal(signal.SIGINT)
        said = watcher.communicate(timeout=20)[1]
        self.assertEqual(watcher.returncode, 130, said)
        job_id = next(word for word in said.split() if word.startswith("job-"))
        self.assertIn("vcity job status " + job_id, said)
        self.assertEqual(self.ended(job_id)["state"], "succeeded")


if __name__ == "__main__":
    unittest.main(verbosity=2)
