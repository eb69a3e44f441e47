# SPDX-License-Identifier: Apache-2.0
"""The real programs on loopback: a paid and verified request, official clients, bad input, restart from disk."""
import json
import os
import pathlib
import subprocess
import unittest

from harness import ROOT, VCITY, WORKER, NetworkTest, wait_for


class PaidRequest(NetworkTest):
    def test_a_chat_is_answered_verified_and_settled(self):
        answer = self.chat()
        self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(answer.is_done(), answer.body)
        self.assertTrue(answer.text())

        job = self.ended_job(answer.id())
        self.assertEqual(job["state"], "settled", job)
        self.assertEqual(job["verdict"]["outcome"], "accepted", job)
        self.assertLessEqual(job["receipt"]["amount"], job["receipt"]["quote"])
        self.assertGreater(job["receipt"]["amount"], 0)
        checks = self.net.vcity("receipt", "verify", answer.id())
        self.assertEqual({check["result"] for check in checks}, {"good"}, checks)
        self.assert_conserved()

    def test_the_same_seed_gives_the_same_text(self):
        self.assertEqual(self.chat(seed=11).text(), self.chat(seed=11).text())

    def test_a_node_is_paid_its_share(self):
        before = self.assert_conserved()
        job = self.ended_job(self.chat().id())
        share = next(int(row["wallet"]) for row in before["accounts"] if row["address"].lower() == job["node"].lower())

        def paid():
            rows = self.net.balances()["accounts"]
            return next(int(row["wallet"]) for row in rows if row["address"].lower() == job["node"].lower()) > share

        wait_for(paid, "the node's claim")
        self.assert_conserved()

    def test_the_official_openai_client_works_unchanged(self):
        environment = {**os.environ, "OPENAI_BASE_URL": self.net.facts["gateway"] + "/v1", "OPENAI_API_KEY": self.key,
                       "VCITY_POOR_API_KEY": self.make_key("1", budget="0.000001")}
        result = subprocess.run(["npm", "test", "--silent"], cwd=ROOT / "tests/e2e/openai", env=environment, text=True,
                                capture_output=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_tampered_receipt_is_found_out(self):
        job = self.ended_job(self.chat().id())
        job["receipt"]["amount"] += 1
        file = self.folder / "tampered.json"
        file.write_text(json.dumps(job))
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "receipt", "verify", file], text=True,
                                capture_output=True)
        self.assertEqual(result.returncode, 9, result.stdout)


class BadInput(NetworkTest):
    def check(self, status, code, answer):
        self.assertEqual((answer.status, answer.error()), (status, code), answer.body)
        self.assertEqual(set(answer.json()["error"]) & {"message", "type", "param", "code"},
                         {"message", "type", "param", "code"})

    def chat_body(self, **fields):
        return {"model": self.model(), "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, **fields}

    def post(self, body, **options):
        return self.request("POST", "/v1/chat/completions", body, **options)

    def test_malformed_json(self):
        self.assertEqual(self.post(b'{"model": ').status, 400)
        self.assertEqual(self.post(b"[" * 100_000).status, 400)

    def test_broken_utf8(self):
        answer = self.post(b'{"model":"x","messages":[{"role":"user","content":"\xff\xfe"}]}')
        self.assertEqual(answer.status, 400, answer.body)

    def test_wrong_key(self):
        answer = self.post(self.chat_body(), headers={"Authorization": "Bearer sk-vcity-wrong"})
        self.assertEqual(answer.status, 401, answer.body)

    def test_unknown_model(self):
        answer = self.post(self.chat_body(model="nobody/nothing"))
        self.assertEqual(answer.status, 404, answer.body)
        self.assertEqual(answer.json()["error"]["param"], "model")

    def test_unknown_field_is_named(self):
        answer = self.post(self.chat_body(frequency_of_moon=1))
        self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, "frequency_of_moon"))

    def test_oversized_prompt(self):
        answer = self.post(self.chat_body(messages=[{"role": "user", "content": "word " * 20_000}]))
        self.assertIn(answer.status, (400, 413), answer.body)

    def test_oversized_body(self):
        answer = self.post(self.chat_body(messages=[{"role": "user", "content": "x" * (9 << 20)}]))
        self.assertIn(answer.status, (413, 0), answer.body)

    def test_cap_exceeded(self):
        key = self.make_key("0.000001")
        answer = self.post(self.chat_body(max_tokens=200), headers={"Authorization": "Bearer " + key})
        self.assertEqual(answer.status, 402, answer.body)

    def test_cap_of_another_chain_and_stale_cap(self):
        cap = self.cap("1")
        for member, value in (("limit", "2.000000"), ("expiry", 1), ("signature", "0x" + "11" * 65)):
            answer = self.admin("POST", "/admin/keys", {"name": "bad", "cap": {**cap, member: value}})
            self.assertIn(answer.status, (400, 403, 422), f"{member}: {answer.body}")
            self.assertTrue(answer.json()["error"]["message"])
        foreign = json.loads((self.folder / "deployment.json").read_text())
        foreign["chainId"] += 1
        other = self.folder / "other-chain.json"
        other.write_text(json.dumps(foreign))
        answer = self.admin("POST", "/admin/keys", {"name": "foreign", "cap": self.cap("1", deployment=other)})
        self.assertIn(answer.status, (400, 403, 422), answer.body)

    def test_nothing_above_broke_the_network(self):
        self.assertTrue(self.chat().is_done())
        self.assert_conserved()


class BrokenModels(unittest.TestCase):
    MODEL = ROOT / "models/vcity-mini-bilingual"

    def refuse(self, change):
        import shutil
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "model"
            shutil.copytree(self.MODEL, copy)
            change(copy)
            result = subprocess.run([WORKER, "serve", "--model", copy], stdin=subprocess.DEVNULL, text=True,
                                    capture_output=True, timeout=60)
            self.assertGreater(result.returncode, 0, result.stderr)
            self.assertLess(result.returncode, 128, "the worker crashed instead of refusing")
            self.assertTrue(result.stderr.strip(), "the worker said nothing")
            return result.stderr

    def test_truncated_weights(self):
        def truncate(folder):
            file = folder / "model.safetensors"
            file.write_bytes(file.read_bytes()[:-1000])

        self.assertIn("model.safetensors", self.refuse(truncate))

    def test_missing_config(self):
        self.assertIn("config.json", self.refuse(lambda folder: (folder / "config.json").unlink()))

    def test_config_that_does_not_fit(self):
        def widen(folder):
            file = folder / "config.json"
            config = json.loads(file.read_text())
            file.write_text(json.dumps({**config, "hidden_size": config["hidden_size"] * 2}))

        self.refuse(widen)


class Restart(NetworkTest):
    def test_the_second_start_resumes_from_disk(self):
        answer = self.chat()
        before = self.ended_job(answer.id())
        self.net.__exit__(None, None, None)
        self.net.__enter__()
        after = wait_for(lambda: self.job(answer.id()), "the job of before the restart")
        self.assertEqual(after["receipt"], before["receipt"])
        self.assertEqual(after["batch"]["transaction"], before["batch"]["transaction"])
        again = self.ended_job(self.chat().id())
        self.assertEqual(again["state"], "settled")
        self.assertGreater(again["batch"]["index"], before["batch"]["index"])
        self.assert_conserved()


if __name__ == "__main__":
    unittest.main(verbosity=2)
