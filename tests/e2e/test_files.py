# SPDX-License-Identifier: Apache-2.0
"""Files of jobs, end to end: uploaded in pieces, fetched by real nodes, left by real steps, brought back."""
import hashlib
import json
import os
import pathlib
import subprocess
import time
import unittest
import urllib.parse

from harness import VCITY, NetworkTest, wait_for

INPUT_BYTES = 50_000_000
SMALL = {"cpus": 0.5, "memory_gb": 0.125, "disk_gb": 0.25}


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Files(NetworkTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = os.urandom(INPUT_BYTES)
        cls.input = cls.folder / "input.bin"
        cls.input.write_bytes(cls.data)
        test = cls("test_a_step_reads_50_mb_and_what_it_leaves_comes_back")
        wait_for(lambda: len(test.units()) >= 3, "units of three nodes")

    def units(self):
        query = urllib.parse.urlencode({"q": "num_gpus=0 rentable=true"})
        return self.request("GET", "/v1/offers?" + query).json().get("data", [])

    def vcity(self, *words, code=0):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", *map(str, words)], text=True,
                                capture_output=True, timeout=120)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout) if result.stdout.strip() else None

    def submit(self, *steps):
        spec = self.folder / "spec.json"
        spec.write_text(json.dumps({"budget": "0.5", "steps": list(steps)}))
        return self.vcity("job", "submit", spec)["id"]

    def ended(self, job_id):
        def over():
            job = self.request("GET", "/v1/jobs/" + job_id).json()
            return job if job["state"] != "active" else None

        return wait_for(over, f"{job_id} to end", 90)

    def test_a_node_that_gives_a_part_of_its_line_takes_no_more(self):
        megabits, size = 16, 16_000_000
        command = self.vcity("devnet", "node-command", "--state", self.folder, "--name", "thin", "--model-name",
                             "thin/model")["command"]
        log = open(self.folder / "logs/thin.log", "w", encoding="utf-8")
        self.addCleanup(log.close)
        node = subprocess.Popen([*command, "--region", "thin", "--down-mbit", str(megabits)], stdout=log, stderr=log)
        self.addCleanup(node.wait)
        self.addCleanup(node.terminate)
        in_region = urllib.parse.urlencode({"q": "geolocation=thin rentable=true"})
        wait_for(lambda: self.request("GET", "/v1/offers?" + in_region).json().get("data"), "the thin node's unit", 60)
        (self.folder / "part.bin").write_bytes(self.data[:size])
        spec = self.folder / "thin.json"
        spec.write_text(json.dumps({"budget": "0.5", "where": {"regions": ["thin"]}, "steps": [
            {"run": "sha256sum < part.bin", "resources": SMALL, "seconds_max": 60,
             "inputs": {"part.bin": {"file": "part.bin"}}}]}))
        job_id = self.vcity("job", "submit", spec)["id"]
        began = time.monotonic()
        job = self.ended(job_id)
        taken = time.monotonic() - began
        self.assertEqual(job["state"], "succeeded", job)
        # A second's worth may come at once.
        self.assertGreater(taken, size * 8 / (megabits * 1e6) - 2)

    def test_a_step_reads_50_mb_and_what_it_leaves_comes_back(self):
        began = time.monotonic()
        job_id = self.submit(
            {"name": "cut", "count": 2, "resources": SMALL, "seconds_max": 60, "keeps_files": True,
             "inputs": {"input.bin": {"file": "input.bin"}, "note.txt": "small"},
             "run": "sha256sum < input.bin; mkdir -p /job/out/parts; "
                    "head -c 1000000 input.bin > /job/out/parts/part-$VCITY_INDEX.bin; cp note.txt /job/out/"},
            {"name": "join", "needs": ["cut"], "takes": ["cut"], "resources": SMALL, "seconds_max": 60,
             "keeps_files": True, "run": "cat /job/in/cut/*/parts/part-*.bin > /job/out/joined.bin"})
        job = self.ended(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        log = self.request("GET", f"/v1/jobs/{job_id}/logs?step=cut/0").json()["data"]
        self.assertIn(digest(self.data), log)
        listed = {row["file"]: row for row in self.vcity("job", "files", job_id)}
        self.assertEqual(set(listed), {f"cut/{index}/{name}" for index in range(2)
                                       for name in (f"parts/part-{index}.bin", "note.txt")} | {"join/0/joined.bin"})
        out = self.folder / "out"
        self.vcity("job", "fetch", job_id, "--to", out)
        self.assertEqual((out / "cut/1/note.txt").read_text(), "small")
        self.assertEqual((out / "cut/0/parts/part-0.bin").read_bytes(), self.data[:1_000_000])
        self.assertEqual((out / "join/0/joined.bin").read_bytes(), self.data[:1_000_000] * 2)
        self.vcity("job", "fetch", job_id, "join/9", code=3)
        print(f"a job with {INPUT_BYTES} bytes of input for two steps: {time.monotonic() - began:.1f} s")

    def test_a_file_goes_up_and_comes_down(self):
        before = self.gateway_memory()
        put = self.vcity("files", "put", self.input, "--purpose", "user_data")[0]
        self.assertEqual(put["sha_256"], digest(self.data))
        self.assertLess(self.gateway_memory() - before, 24 << 20, "bodies pass through in pieces")
        self.assertIn(put["id"], [row["id"] for row in self.vcity("files", "list", "--purpose", "user_data")])
        target = self.folder / "again.bin"
        self.vcity("files", "get", put["id"], "--to", target)
        self.assertEqual(digest(target.read_bytes()), digest(self.data))
        self.vcity("files", "rm", put["id"])
        self.vcity("files", "get", put["id"], code=3)

    def gateway_memory(self):
        """Bytes that the gateway's process has in memory."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                words = (status.parent / "cmdline").read_bytes().split(b"\0")
                if words[1:3] == [b"gateway", b"run"] and str(self.folder).encode() in b" ".join(words):
                    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
                    return int(line.split()[1]) * 1024
            except (OSError, StopIteration):
                continue
        raise AssertionError("there is no gateway")

    def test_a_missing_file_is_refused_with_its_field(self):
        body = {"budget": "0.5", "steps": [{"run": "true", "inputs": {"a": {"file": "file-unknown"}}}]}
        answer = self.request("POST", "/v1/jobs", body)
        self.assertEqual((answer.status, answer.error()), (404, "file_not_found"))
        self.assertEqual(answer.json()["error"]["param"], "steps[0].inputs.a")

    def test_a_url_of_the_operators_network_is_not_followed(self):
        body = {"budget": "0.5", "steps": [{"run": "true", "retries": 0, "seconds_max": 20, "inputs": {
            "a": {"url": "http://127.0.0.1:1/x", "sha256": "00" * 31 + "01", "bytes": 10}}}]}
        answer = self.request("POST", "/v1/jobs", body)
        self.assertEqual(answer.status, 201, answer.body)
        path = "/v1/jobs/" + answer.json()["id"]
        wait_for(lambda: "may not be reached" in self.request("GET", path + "/explain").body, "a node to refuse it")
        self.assertEqual(self.request("DELETE", path).status, 200)


if __name__ == "__main__":
    unittest.main()
