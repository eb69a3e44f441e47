# SPDX-License-Identifier: Apache-2.0
"""App files on a network: what `vcity up` orders runs on real nodes, is told about, charged, and ended."""
import json
import subprocess
import unittest
import urllib.parse

from harness import ROOT, VCITY, NetworkTest, wait_for

EXAMPLES = ROOT / "docs/examples/apps"


class Apps(NetworkTest):
    EXTRA = ("--unit-memory-mib", "1024")  # fine-tuning needs it

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("test_a_task_runs_on_two_nodes_with_its_answers")
        wait_for(lambda: len(test.units()) >= 3, "units of three nodes")

    def units(self):
        query = urllib.parse.urlencode({"q": "num_gpus=0 rentable=true"})
        return self.request("GET", "/v1/offers?" + query).json().get("data", [])

    def vcity(self, *words, code=0):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", *map(str, words)], text=True,
                                capture_output=True, timeout=150, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def up(self, app, *words):
        """The job that `vcity up` ordered, once it has ended or is up."""
        return json.loads(self.vcity("--json", "up", "--yes", app, *words).stdout)

    def test_a_task_runs_on_two_nodes_with_its_answers(self):
        job = self.up(EXAMPLES / "task.yaml", "--set", "WHO=moon")
        self.assertEqual(job["state"], "succeeded", job)
        for index in range(2):
            output = self.request("GET", f"/v1/jobs/{job['id']}/logs?step=main/{index}").json()["data"]
            self.assertEqual(output, f"a=b and c=d, moon, from {index} of 2\n")
        row = next(row for row in json.loads(self.vcity("--json", "cost", "greetings").stdout) if row["job"] == job["id"])
        self.assertGreater(float(row["charged"]), 0)
        self.assertLessEqual(float(row["charged"]), 0.20)

    def test_a_batch_comes_back_in_order_with_its_failures(self):
        job = self.up(EXAMPLES / "batch.yaml")
        self.assertEqual(job["state"], "succeeded", job)
        base = f"/v1/jobs/{job['id']}/files/merge/0/"
        summary = self.request("GET", base + "summary.json").json()
        self.assertEqual(summary, {"total": 11, "completed": 10, "failed": 1})
        output = [json.loads(line) for line in self.request("GET", base + "output.jsonl").body.splitlines()]
        self.assertEqual([line["custom_id"] for line in output], [f"r-{n}" for n in range(11) if n != 4])
        errors = [json.loads(line) for line in self.request("GET", base + "errors.jsonl").body.splitlines()]
        self.assertEqual([line["custom_id"] for line in errors], ["r-4"])

    def test_a_pod_is_up_until_it_is_taken_down(self):
        pod = self.up(EXAMPLES / "pod.yaml")
        self.assertEqual(pod["state"], "active", pod)
        self.assertEqual(pod["progress"]["running"], 1)
        again = self.vcity("up", "--yes", EXAMPLES / "pod.yaml", code=5)
        self.assertIn("is up already", again.stderr)
        page = wait_for(lambda: (lambda answer: answer.status == 200 and answer.body)(
            self.request("GET", f"/v1/jobs/{pod['id']}/ports/pod/0/8888/note.txt")), "the pod's port to answer")
        self.assertIn("ready", page)
        self.vcity("down", "bench")
        wait_for(lambda: self.request("GET", "/v1/jobs/" + pod["id"]).json()["state"] == "cancelled", "the pod's end")
        self.vcity("down", "bench", code=3)

    def test_a_pod_ends_when_it_was_to_be_stopped_and_costs_no_more(self):
        app = self.folder / "short.yaml"
        app.write_text("name: short\nkind: pod\nbudget: 1\nresources: {cpus: 0.5, memory: 0.1}\nstop_after: 8s\n"
                       "terminate_after: 1h\n")
        pod = self.up(app)
        over = wait_for(lambda: (lambda job: job["state"] != "active" and job)(
            self.request("GET", "/v1/jobs/" + pod["id"]).json()), "the pod's end")
        step = over["steps"][0]
        self.assertEqual((over["state"], step["termination"]["reason"]), ("succeeded", "time_limit"), over)
        self.assertLessEqual(float(over["charged"]), float(step["hourly"]) * 10 / 3600, over)
        self.assertGreaterEqual(float(over["charged"]), float(step["hourly"]) * 7 / 3600, over)

    def test_a_finetune_leaves_an_adapter(self):
        job = self.up(EXAMPLES / "finetune.yaml")
        self.assertEqual(job["state"], "succeeded", job)
        files = self.request("GET", f"/v1/jobs/{job['id']}/files").json()["data"]
        names = {file["name"] for file in files}
        self.assertTrue({"adapter_config.json", "adapter_model.safetensors"} <= names, files)

    def test_a_dry_run_tells_the_price_and_orders_nothing(self):
        quote = json.loads(self.vcity("--json", "up", "--dry-run", EXAMPLES / "task.yaml").stdout)
        self.assertEqual(quote["object"], "job.quote")
        self.assertGreater(float(quote["most"]), 0)


if __name__ == "__main__":
    unittest.main()
