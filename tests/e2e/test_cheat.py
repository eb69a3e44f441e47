# SPDX-License-Identifier: Apache-2.0
"""A node that serves other weights than it claims is caught: its results are not charged and it gets no more work."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import unittest

from harness import ROOT, VCITY, NetworkTest, wait_for

HONEST = ROOT / "models/vcity-mini-bilingual"
CHEATING_WORKER = pathlib.Path(os.environ["VCITY_CHEATING_WORKER"])


def coarsen(file):
    """Rounds every bfloat16 weight to four bits of mantissa, as a cheap quantised copy would."""
    data = bytearray(file.read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    for index in range(start, len(data), 2):
        data[index] &= 0xF8
    file.write_bytes(data)


class OtherWeights(NetworkTest):
    # One honest node, so that the cheat is sure to get work.
    EXTRA = ("--nodes", "1")

    def start_cheat(self):
        model = self.folder / "cheap-model"
        shutil.copytree(HONEST, model)
        coarsen(model / "model.safetensors")
        root = json.loads(self.run_vcity("node", "model-root", "--model", str(HONEST)))["model_root"]
        (model / "claimed_root").write_text(root)
        command = self.run_vcity("devnet", "node-command", "--state", str(self.folder), "--name", "cheat", "--worker",
                                 str(CHEATING_WORKER), "--model", str(model), "--model-name", self.model(),
                                 "--price-input", "1", "--price-output", "1")
        log = open(self.folder / "logs/cheat.log", "w", encoding="utf-8")
        process = subprocess.Popen(json.loads(command)["command"], stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def run_vcity(self, *words):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", *words], text=True,
                                capture_output=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_it_is_caught_not_paid_and_gets_no_more_work(self):
        honest = self.ended_job(self.chat(max_tokens=4).id())
        self.assertEqual(honest["state"], "settled")
        before = self.assert_conserved()
        self.start_cheat()

        def cheated():
            # At a price that only the cheating node asks; before it is there, nobody answers.
            answer = self.chat(max_tokens=8, provider={"max_price": {"prompt": "0.01", "completion": "0.01"}})
            if not answer.is_done():
                return None
            job = self.ended_job(answer.id())
            return job if job.get("node") != honest["node"] else None

        job = wait_for(cheated, "the cheaper, cheating node to be chosen", 60)
        self.assertEqual(job["state"], "rejected", job)
        self.assertEqual(job["verdict"]["outcome"], "rejected")
        self.assertTrue(job["verdict"]["reason"])
        self.assertIsNone(job.get("batch"))

        for _ in range(3):
            answer = self.chat(max_tokens=4)
            self.assertTrue(answer.is_done(), answer.body)
            after = self.ended_job(answer.id())
            self.assertEqual(after["node"], honest["node"], "a node that was caught was given work again")
            self.assertEqual(after["state"], "settled")
        balances = self.assert_conserved()
        self.assertGreaterEqual(len(balances["accounts"]), len(before["accounts"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
