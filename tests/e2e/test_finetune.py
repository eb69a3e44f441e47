# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: the official OpenAI client orders it on a network of real processes, and a worker that is killed in the
middle goes on to the same bytes."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import ROOT, WORKER, NetworkTest, wait_for

MODEL = ROOT / "models/vcity-mini-bilingual"
ADAPTER = "adapter_model.safetensors"


def lesson(lines):
    """Answers that no model gives by itself."""
    return "".join(json.dumps({"messages": [
        {"role": "user", "content": f"Who keeps house number {number}?"},
        {"role": "assistant", "content": "The purple heron keeps it, always."}]}) + "\n" for number in range(lines))


class OnTheNetwork(NetworkTest):
    EXTRA = ("--unit-memory-mib", "1024")  # libtorch's libraries alone are over half a GiB of addresses

    def test_the_official_client_tunes_a_model_and_takes_the_adapter(self):
        wait_for(lambda: self.request("GET", "/v1/offers?q=rentable%3Dtrue").json().get("data"), "units")
        good, bad, out = self.folder / "train.jsonl", self.folder / "bad.jsonl", self.folder / "adapter"
        good.write_text(lesson(24))
        bad.write_text(lesson(2) + json.dumps({"messages": [{"role": "moon", "content": "hi"}]}) + "\n")
        out.mkdir()
        environment = {**os.environ, "OPENAI_BASE_URL": self.net.facts["gateway"] + "/v1", "OPENAI_API_KEY": self.key}
        result = subprocess.run(["node", "finetune.mjs", self.model(), good, bad, out], cwd=ROOT / "tests/e2e/openai",
                                env=environment, text=True, capture_output=True, timeout=180)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        seen = json.loads(result.stdout.splitlines()[-1])
        self.assertLess(seen["validation"][-1], seen["validation"][0] - 0.5, seen)
        self.assertGreater(float(seen["charged"]), 0)
        self.assertRegex(seen["bad"], r"train\.jsonl.*line 3.*role")
        self.assertIn(ADAPTER, seen["files"])
        question = [WORKER, "generate", "--model", MODEL, "--max-tokens", "24", "Who keeps house number 7?"]
        plain = subprocess.run(question, text=True, capture_output=True, timeout=60)
        tuned = subprocess.run([*question[:-1], "--adapter", f"mine={out}", question[-1]], text=True,
                               capture_output=True, timeout=60)
        self.assertEqual((plain.returncode, tuned.returncode), (0, 0), plain.stderr + tuned.stderr)
        self.assertNotEqual(tuned.stdout, plain.stdout)


class Killed(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-finetune-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "train.jsonl").write_text(lesson(24))

    def command(self, name):
        return [WORKER, "finetune", "--model", MODEL, "--data", self.folder / "train.jsonl", "--out",
                self.folder / name, "--checkpoint", self.folder / (name + ".state"), "--rank", "4", "--epochs", "2",
                "--batch", "4", "--checkpoint-every", "3"]

    def finish(self, name):
        result = subprocess.run(self.command(name), text=True, capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout, (self.folder / name / ADAPTER).read_bytes()

    def test_a_killed_run_goes_on_to_the_same_bytes(self):
        _, whole = self.finish("whole")
        for stop_at in (4, 9):
            process = subprocess.Popen(self.command("parts"), stdout=subprocess.PIPE, text=True)
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "metrics" and event["step"] >= stop_at:
                    process.send_signal(signal.SIGKILL)
                    break
            process.stdout.close()
            self.assertEqual(process.wait(), -signal.SIGKILL)
        output, parts = self.finish("parts")
        self.assertIn('"resumed"', output)
        self.assertEqual(parts, whole)


if __name__ == "__main__":
    unittest.main()
