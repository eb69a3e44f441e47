# SPDX-License-Identifier: Apache-2.0
"""App files: every example is fine, what is wrong is told with its place, and the shards of a batch do what they say."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VCITY = os.environ.get("VCITY_PROGRAM", str(ROOT / "build/dev/apps/vcity/vcity"))
EXAMPLES = ROOT / "docs/examples/apps"


def vcity(*words, code=0, **options):
    result = subprocess.run([VCITY, *map(str, words)], text=True, capture_output=True, timeout=60,
                            stdin=subprocess.DEVNULL, **options)
    if result.returncode != code:
        raise AssertionError(f"{words}: {result.returncode}, not {code}\n{result.stdout}{result.stderr}")
    return result


class AppFiles(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_every_example_is_fine_and_is_of_the_kind_of_its_name(self):
        answer = json.loads(vcity("app", "check", *sorted(EXAMPLES.glob("*.yaml"))).stdout)
        kinds = {pathlib.Path(app["file"]).stem: app["kind"] for app in answer["apps"]}
        for name, kind in (("notebook", "pod"), ("ocr", "generate"), ("upscale", "generate"), ("image", "generate")):
            self.assertEqual(kinds.pop(name), kind)
        self.assertEqual(kinds, {name: name for name in
                                 ("task", "pod", "serve", "finetune", "batch", "render", "generate", "enterprise")})

    def test_problems_name_file_line_column_and_field(self):
        bad = self.write("bad.yaml", "name: a\nresources:\n  cpus: many\nrun: x\nbudget: 1\nmoon: 1\n")
        result = vcity("app", "check", "-o", "table", bad, code=2)
        self.assertEqual(result.stdout,
                         f"{bad}:3:9: resources.cpus: is 'many'; it must be a number above 0 and up to 16777.216\n"
                         f"{bad}:6:1: moon: there is no field 'moon'; there are name, kind, resources, image, ports, "
                         "num_nodes, setup, run, command, network, keep_files, notebook, ssh_key, envs, secrets, files, "
                         "file_mounts, time_limit, terminate_after, autostop, stop_after, retries, checkpoint, "
                         "deadline, budget, max_hourly_cost, class, verification, template, service, finetune, batch, "
                         "render, generate, enterprise\n")
        vcity("app", "check", self.folder / "none.yaml", code=3)
        self.assertIn(f"{bad}:3:9", vcity("up", "--yes", bad, code=2).stderr)

    def test_a_bad_line_of_requests_names_its_file_and_line(self):
        self.write("r.jsonl", '{"custom_id": "a", "body": {}}\n{"custom_id": "a", "body": {}}\n{oops\n')
        app = self.write("app.yaml", "name: b\nkind: batch\nbudget: 1\nrun: cat\nbatch: {requests: r.jsonl}\n")
        answer = json.loads(vcity("app", "check", app, code=2).stdout)
        places = [(pathlib.Path(p["file"]).name, p["line"], p["field"]) for p in answer["apps"][0]["problems"]]
        self.assertEqual(places, [("r.jsonl", 2, "custom_id"), ("r.jsonl", 3, "")])

    def test_a_bad_line_of_a_dataset_names_its_file_and_line_before_anything_is_ordered(self):
        good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
        bad = {"messages": [{"role": "moon", "content": "a"}]}
        self.write("d.jsonl", json.dumps(good) + "\n" + json.dumps(bad) + "\n{oops\n")
        app = self.write("app.yaml", "name: f\nkind: finetune\nbudget: 1\nfinetune: {model: m, data: d.jsonl}\n")
        answer = json.loads(vcity("app", "check", app, code=2).stdout)
        places = [(pathlib.Path(p["file"]).name, p["line"], p["field"]) for p in answer["apps"][0]["problems"]]
        self.assertEqual(places, [("d.jsonl", 2, "messages[0].role"), ("d.jsonl", 3, "")])
        self.assertIn("d.jsonl:2:1: messages[0].role", vcity("up", "--yes", app, code=2).stderr)

    def test_a_missing_file_is_named_where_it_is_asked_for(self):
        app = self.write("app.yaml", "name: t\nbudget: 1\nrun: cat\nfiles: {a.txt: ./none.txt}\n")
        self.assertIn(f"{app}:4:16: ./none.txt: is no file that can be read",
                      vcity("app", "check", "-o", "table", app, code=2).stdout)

    def test_up_without_a_terminal_and_without_yes_ends_at_once(self):
        error = json.loads(vcity("up", EXAMPLES / "task.yaml", code=2).stderr.splitlines()[-1])["error"]
        self.assertIn("--yes", error["message"])

    def test_values_with_equals_signs_and_secrets(self):
        app = self.write("app.yaml", "name: t\nbudget: 1\nrun: x\nenvs: {A: 'b=c=d'}\nsecrets: [TOKEN]\n")
        job = json.loads(vcity("app", "show", app, env={**os.environ, "TOKEN": "hush"}).stdout)
        self.assertEqual(job["steps"][0]["env"], {"A": "b=c=d", "TOKEN": "***"})

    def test_a_template_keeps_its_disk_and_ports(self):
        template = self.write("t.json", json.dumps({"imageName": "a/b", "containerDiskInGb": 20, "volumeInGb": 5,
                                                    "ports": "8888/http,22/tcp", "env": {"A": "b=c"}}))
        app = self.write("app.yaml", vcity("app", "convert", "--from", "runpod", template).stdout)
        step = json.loads(vcity("app", "show", app).stdout)["steps"][0]
        self.assertEqual(step["resources"]["disk_gb"], 25)
        self.assertEqual([port["port"] for port in step["ports"]], [8888, 22])
        self.assertEqual(step["env"], {"A": "b=c"})

    # --- what the steps of a batch run, run here

    def prepared(self, requests):
        return "".join(json.dumps(r["custom_id"]) + "\t" + json.dumps(r["body"]) + "\n" for r in requests)

    def run_batch(self, app, requests):
        """All steps of a batch in folders of this machine; the merged folder."""
        steps = {step["name"]: step for step in json.loads(vcity("app", "show", app).stdout)["steps"]}
        merge = self.folder / "merge"
        for index in range(steps["shard"]["count"]):
            shard = self.folder / f"shard-{index}"
            shard.mkdir(exist_ok=True)
            (shard / "requests.tsv").write_text(self.prepared(requests))
            environment = {**os.environ, "VCITY_INDEX": str(index), "VCITY_COUNT": str(steps["shard"]["count"])}
            subprocess.run(steps["shard"]["command"], cwd=shard, env=environment, check=True, timeout=60,
                           stdout=subprocess.DEVNULL)
            shutil.copytree(shard / "out", merge / "in/shard" / str(index))
        subprocess.run(steps["merge"]["command"], cwd=merge, check=True, timeout=60, stdout=subprocess.DEVNULL)
        return merge / "out"

    def lines(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def example_requests(self):
        return self.lines(EXAMPLES / "data/requests.jsonl")

    def test_a_batch_keeps_order_and_the_failures_of_single_requests(self):
        out = self.run_batch(EXAMPLES / "batch.yaml", self.example_requests())
        self.assertEqual(json.loads((out / "summary.json").read_text()), {"total": 11, "completed": 10, "failed": 1})
        done = self.lines(out / "output.jsonl")
        self.assertEqual([line["custom_id"] for line in done], [f"r-{n}" for n in range(11) if n != 4])
        self.assertEqual(done[0]["response"]["body"]["id"], "r-0")
        failed = self.lines(out / "errors.jsonl")
        self.assertEqual([(line["custom_id"], line["error"]["code"]) for line in failed], [("r-4", "exit_3")])
        self.assertEqual(failed[0]["error"]["message"], "this one cannot be done")

    def batch(self, run, shards=2, **fields):
        self.write("requests.jsonl", "".join(json.dumps(r) + "\n" for r in self.example_requests()))
        section = {"requests": "requests.jsonl", "shards": shards, **fields}
        return self.write("app.yaml", json.dumps({"name": "b", "kind": "batch", "budget": "1", "run": run,
                                                  "batch": section}))

    def test_texts_of_any_kind_come_back_as_they_were(self):
        out = self.run_batch(self.batch("cat; printf 'quote \" slash \\\\ tab \\t\\nnext'", output="text"),
                             self.example_requests())
        done = self.lines(out / "output.jsonl")
        self.assertEqual(len(done), 11)
        for line, request in zip(done, self.example_requests()):
            text = line["response"]["body"]
            self.assertTrue(text.endswith("quote \" slash \\ tab \t\nnext"), text)
            self.assertEqual(json.loads(text.split("\n")[0]), request["body"])

    def test_a_command_for_a_whole_shard_answers_line_by_line(self):
        out = self.run_batch(self.batch("sed 3q", shards=3, mode="shard"), self.example_requests())
        self.assertEqual(json.loads((out / "summary.json").read_text())["completed"], 9)
        self.assertEqual({line["error"]["code"] for line in self.lines(out / "errors.jsonl")}, {"no_answer"})

    def test_an_attempt_after_a_stopped_one_goes_on_where_it_was(self):
        app = self.batch("printf x >> ../calls; cat", shards=1)
        out = self.run_batch(app, self.example_requests())
        before = (out / "output.jsonl").read_text()
        results = self.folder / "shard-0/checkpoint/results.tsv"
        kept = results.read_text().splitlines(keepends=True)[:7]
        results.write_text("".join(kept) + "ok\t{\"half a li")
        shutil.rmtree(self.folder / "merge")
        out = self.run_batch(app, self.example_requests())
        self.assertEqual((out / "output.jsonl").read_text(), before)
        self.assertEqual(len((self.folder / "calls").read_text()), 11 + 4, "seven are not run again")

    def test_more_shards_than_requests_and_no_json(self):
        requests = self.example_requests()[:2]
        out = self.run_batch(self.batch("echo oops", shards=5), requests)
        self.assertEqual([line["error"]["code"] for line in self.lines(out / "errors.jsonl")], ["no_json"] * 2)


if __name__ == "__main__":
    unittest.main()
