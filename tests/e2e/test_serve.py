# SPDX-License-Identifier: Apache-2.0
"""A deployment, end to end, with real processes: small HTTP servers as replicas on nodes of their own; one is killed,
all sleep and wake, a new version takes over under load, a bad one is rolled back, and the gateway starts again."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from harness import VCITY, NetworkTest, wait_for

SERVER = """
import http.server, os, time
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow": time.sleep(0.2)
        text = (os.environ["VERSION"] + " " + self.command + " " + self.path + " ").encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = answer
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Server).serve_forever()
"""
TAG = f"vcity-e2e-serve-{os.getpid()}"


def app(name, version, least, most, run="exec python3 server.py", **service):
    return {"name": name, "budget": "2", "where": {"hourly_max": "0.5"},
            "steps": [{"name": "serve", "run": run, "inputs": {"server.py": SERVER}, "ports": [{"port": 8000}],
                       "env": {"VERSION": version, "TAG": TAG + name},
                       "resources": {"cpus": 0.25, "memory_gb": 0.125}}],
            "scale": {"min": least, "max": most, "idle_seconds": 6, **service},
            "readiness": {"path": "/health", "seconds": 20}, "openai": True}


class Serve(NetworkTest):
    EXTRA = ("--nodes", "3")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("test_a_killed_replica_is_replaced_and_no_request_fails")
        wait_for(lambda: len(test.request("GET", "/v1/offers?q=num_gpus%3D0").json().get("data", [])) >= 3,
                 "units of three nodes", 60)

    def deploy(self, body):
        answer = self.request("POST", "/api/v1/deployments", body)
        self.assertEqual(answer.status, 201, answer.body)
        self.addCleanup(self.request, "DELETE", "/api/v1/deployments/" + body["name"])
        wait_for(lambda: self.show(body["name"])["replicas"]["ready"] >= max(1, body["scale"]["min"]),
                 f"{body['name']} to be ready", 30)

    def show(self, name):
        return self.request("GET", "/api/v1/deployments/" + name).json()

    def events(self, name):
        return [event["kind"] for event in self.request("GET", f"/api/v1/deployments/{name}/events").json()["data"]]

    def servers(self, name):
        """Processes of this deployment's replicas, by what is in their environment."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if f"TAG={TAG}{name}".encode() in environment and b"server.py" in command:
                found.append(int(folder.name))
        return found

    def load(self, name, until, path="/slow"):
        """Requests from four threads for as long as that takes; statuses and bodies of all of them."""
        answers, done = [], threading.Event()

        def ask():
            while not done.is_set():
                answer = self.request("POST", f"/d/{name}{path}", b"x")
                answers.append((answer.status, answer.body or answer.broken))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            until()
        finally:
            done.set()
            for thread in threads:
                thread.join()
        return answers

    def assert_all_good(self, answers, least=10):
        self.assertGreaterEqual(len(answers), least)
        self.assertEqual([answer for answer in answers if answer[0] != 200][:3], [])

    def test_a_killed_replica_is_replaced_and_no_request_fails(self):
        self.deploy(app("pair", "v1", 2, 2))
        self.assertEqual(len({member["node"] for member in self.show("pair")["members"]}), 2, "they are spread")

        def kill():
            time.sleep(1)
            victim = self.servers("pair")[0]
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: len(self.show("pair")["members"]) and self.show("pair")["replicas"]["ready"] == 2
                     and max(member["number"] for member in self.show("pair")["members"]) >= 3, "another replica", 30)

        self.assert_all_good(self.load("pair", kill))
        answer = self.request("POST", "/v1/chat/completions", {"model": "deployment/pair", "messages": []})
        self.assertTrue(answer.body.startswith("v1 POST /v1/chat/completions "), answer.body)
        self.assertEqual(json.loads(answer.body.split(" ", 3)[3])["model"], "pair")

    def test_it_sleeps_and_a_request_wakes_it(self):
        self.deploy(app("sleepy", "v1", 0, 1))
        wait_for(lambda: self.show("sleepy")["state"] == "Scaled to Zero" and not self.show("sleepy")["members"],
                 "sleep", 30)
        self.assertEqual(self.servers("sleepy"), [])
        begun = time.monotonic()
        answer = self.request("GET", "/d/sleepy/hello", headers={"X-Scale-Up-Timeout": "30"})
        self.assertEqual((answer.status, answer.body), (200, "v1 GET /hello "))
        print(f"woken in {time.monotonic() - begun:.1f} s", flush=True)
        self.assertLessEqual(float(self.show("sleepy")["charged"]), 2)

    def test_an_update_under_load_and_a_bad_one(self):
        self.deploy(app("moving", "v1", 1, 1))

        def update():
            answer = self.request("PATCH", "/api/v1/deployments/moving", {"steps": app("moving", "v2", 1, 1)["steps"]})
            self.assertEqual(answer.status, 200, answer.body)
            wait_for(lambda: "rolled_out" in self.events("moving"), "the new version", 30)
            time.sleep(0.5)

        answers = self.load("moving", update)
        self.assert_all_good(answers)
        versions = [body.split()[0] for _, body in answers]
        self.assertEqual({versions[0], versions[-1]}, {"v1", "v2"})
        bad = app("moving", "v3", 1, 1, run="exit 1")
        self.request("PATCH", "/api/v1/deployments/moving", {"steps": bad["steps"]})
        self.assert_all_good(self.load("moving", lambda: wait_for(
            lambda: "rolled_back" in self.events("moving"), "the version before", 30)))
        self.assertEqual(self.request("GET", "/d/moving/").body, "v2 GET / ")
        self.assertEqual(self.show("moving")["state"], "Running")

    def test_the_command_line_and_a_gateway_that_starts_again(self):
        folder = self.folder / "app"
        folder.mkdir()
        (folder / "server.py").write_text(SERVER)
        (folder / "app.yaml").write_text("""name: lined
kind: serve
run: exec python3 server.py
files: {server.py: server.py}
envs: {VERSION: v1, TAG: none}
ports: [8000]
resources: {cpus: 0.25, memory: 0.125}
service: {readiness: /health, scale: {min: 1, max: 2}}
max_hourly_cost: 0.5
budget: 1
""")

        def vcity(*words, code=0):
            result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", *map(str, words)],
                                    text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
            return json.loads(result.stdout) if code == 0 else result.stderr

        up = vcity("up", "--yes", folder / "app.yaml")
        self.assertEqual((up["name"], up["state"]), ("lined", "Running"))
        self.kill("gateway")
        wait_for(lambda: self.request("GET", "/d/lined/x").body == "v1 GET /x ", "the gateway to be back")
        again = self.show("lined")
        self.assertEqual([member["job"] for member in again["members"]], [up["members"][0]["job"]])
        vcity("deploy", "scale", "lined", "--min", "2", "--max", "2")
        wait_for(lambda: self.show("lined")["replicas"]["ready"] == 2, "two replicas", 30)
        self.assertEqual([row["name"] for row in vcity("deploy", "list") if row["name"] == "lined"], ["lined"])
        self.assertGreaterEqual(len(vcity("deploy", "show", "lined")["members"]), 2)
        vcity("deploy", "pause", "lined")
        wait_for(lambda: not self.show("lined")["members"], "all to end", 30)
        self.assertEqual(self.show("lined")["state"], "Paused")
        vcity("down", "lined")
        wait_for(lambda: self.request("GET", "/api/v1/deployments/lined").status == 404, "its end", 30)
        vcity("deploy", "show", "lined", code=3)


if __name__ == "__main__":
    unittest.main()
