# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: one development network of real processes, and small HTTP clients for it."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from devlib.devnet import Devnet  # noqa: E402

VCITY = pathlib.Path(os.environ["VCITY_PROGRAM"])
WORKER = pathlib.Path(os.environ["VCITY_WORKER"])
RECOVERY_SECONDS = 40


def wait_for(condition, what, seconds=RECOVERY_SECONDS):
    """Asks until the condition gives something true; the value it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Answer:
    """What one HTTP request came to: a status and a body, or a stream of events, or a broken connection."""

    def __init__(self, status, body, broken=None):
        self.status, self.body, self.broken = status, body, broken

    def json(self):
        return json.loads(self.body)

    def events(self):
        lines = [line[6:] for line in self.body.split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    def is_done(self):
        return "data: [DONE]" in self.body

    def text(self):
        pieces = []
        for event in self.events():
            for choice in event.get("choices", []):
                pieces.append(choice.get("delta", {}).get("content") or "")
        return "".join(pieces)

    def error(self):
        """The error's code, from a body or from an event of a stream."""
        if self.broken:
            return "connection_broken"
        if self.status != 200:
            return self.json()["error"]["code"]
        return next((event["error"]["code"] for event in self.events() if "error" in event), None)

    def id(self):
        return next((event["id"] for event in self.events() if "id" in event), None)


class NetworkTest(unittest.TestCase):
    """Starts a network once for all tests of a class."""

    EXTRA = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.net = Devnet(VCITY, cls.folder, ("--worker", str(WORKER), *cls.EXTRA))
        cls.enterClassContext(cls.net) if hasattr(cls, "enterClassContext") else cls.enter()
        cls.key = pathlib.Path(cls.net.facts["api_key_file"]).read_text().strip()

    @classmethod
    def enter(cls):
        cls.net.__enter__()
        cls.addClassCleanup(cls.net.__exit__, None, None, None)

    def request(self, method, path, body=None, headers=None, on_piece=None, base=None, timeout=60):
        """One request on a connection of its own; on_piece is called after every piece of the body. A header that is
        None is left out."""
        url = urllib.parse.urlparse(base or self.net.facts["gateway"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
        fields = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **(headers or {})}
        fields = {name: value for name, value in fields.items() if value is not None}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        text, status = b"", 0
        try:
            connection.request(method, path, body=data, headers=fields)
            response = connection.getresponse()
            status = response.status
            while piece := response.read1(65536):
                text += piece
                if on_piece:
                    on_piece(text.decode(errors="replace"))
        except (OSError, http.client.HTTPException) as failure:
            return Answer(status, text.decode(errors="replace"), broken=repr(failure))
        finally:
            connection.close()
        return Answer(status, text.decode(errors="replace"))

    def chat(self, prompt="What is free software?", on_piece=None, **fields):
        body = {"model": self.model(), "messages": [{"role": "user", "content": prompt}], "stream": True,
                "stream_options": {"include_usage": True}, "max_tokens": 24, "seed": 7, **fields}
        return self.request("POST", "/v1/chat/completions", body, on_piece=on_piece)

    def model(self):
        if not getattr(self.__class__, "model_id", None):
            models = wait_for(lambda: self.request("GET", "/v1/models").json().get("data"), "a model on offer")
            self.__class__.model_id = models[0]["id"]
        return self.__class__.model_id

    def job(self, job_id):
        answer = self.request("GET", "/v1/generation?id=" + job_id)
        return answer.json()["data"] if answer.status == 200 else None

    def ended_job(self, job_id):
        def ended():
            job = self.job(job_id)
            return job if job and job["state"] in ("settled", "failed", "rejected") else None

        return wait_for(ended, f"{job_id} to end", 60)

    def cap(self, limit, deployment=None):
        """A spending cap signed by the client's wallet, for this network or for another deployment."""
        environment = {**os.environ, **({"VCITY_DEPLOYMENT": str(deployment)} if deployment else {})}
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", "wallet", "cap", limit,
                                 "--scheduler", self.net.facts["scheduler"]], env=environment, text=True,
                                capture_output=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def admin(self, method, path, body):
        token = pathlib.Path(self.net.facts["admin_token_file"]).read_text().strip()
        return self.request(method, path, body, headers={"Authorization": "Bearer " + token})

    def make_key(self, limit, **fields):
        answer = self.admin("POST", "/admin/keys", {"name": "test", "cap": self.cap(limit), **fields})
        self.assertIn(answer.status, (200, 201), answer.body)
        return answer.json()["key"]

    def kill(self, role):
        pid = self.net.refreshed()["pids"][role]
        os.kill(pid, signal.SIGKILL)
        return pid

    def assert_conserved(self):
        balances = self.net.balances()
        self.assertEqual(int(balances["sum"]), int(balances["supply"]), balances)
        return balances
