# SPDX-License-Identifier: Apache-2.0
"""A monitor on a real software TPM, and verifiers that believe it or do not; and a monitor that only pretends."""
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

VCITY = os.environ["VCITY_PROGRAM"]
MODEL_ROOT = "0x" + "a1" * 32
OTHER_ROOT = "0x" + "b2" * 32
EPOCH_SECONDS = 3600
REFUSED = 9


def free_ports(count):
    """Distinct free ports of loopback, the last two of them neighbours."""
    while True:
        sockets = [socket.socket() for _ in range(count)]
        try:
            for each in sockets[:-1]:
                each.bind(("127.0.0.1", 0))
            port = sockets[-2].getsockname()[1] + 1
            sockets[-1].bind(("127.0.0.1", port))
            return [each.getsockname()[1] for each in sockets]
        except (OSError, OverflowError):
            continue
        finally:
            for each in sockets:
                each.close()


def request(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class MonitorTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-monitor-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        names = ("stable", "registry", "escrow", "settlement", "treasury", "accessManager")
        deployment = {name: f"0x{index + 1:040x}" for index, name in enumerate(names)}
        self.write("deployment.json", {"chainId": 31337, "block": 0, **deployment})

    def write(self, name, value):
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def start(self, *words, ready):
        """A process that ends with the test."""
        log = open(self.folder / f"{pathlib.Path(words[0]).name}.log", "ab")
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, words)], stdout=log, stderr=log)
        self.addCleanup(log.close)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.terminate)
        wait_until(ready, words[0])
        return process

    def start_tpm(self):
        _, server, control = free_ports(3)
        state = self.folder / "tpm"
        state.mkdir()
        self.start("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}",
                   "--server", f"type=tcp,bindaddr=127.0.0.1,port={server}",
                   "--ctrl", f"type=tcp,bindaddr=127.0.0.1,port={control}",
                   "--flags", "not-need-init,startup-clear",
                   ready=lambda: socket.create_connection(("127.0.0.1", control), 1).close() is None)
        return f"swtpm:host=127.0.0.1,port={server}"

    def start_monitor(self, policy, *tee):
        """The monitor's ports for verifiers and for its node."""
        ops, listen, node = free_ports(3)
        process = self.start(VCITY, "monitor", "run", "--policy", policy, "--model-root", MODEL_ROOT,
                             "--deployment", self.folder / "deployment.json", "--ops", f"127.0.0.1:{ops}",
                             "--listen", f"127.0.0.1:{listen}", "--node-listen", f"127.0.0.1:{node}", *tee,
                             ready=lambda: request(ops, "GET", "/readyz")[0] == 200)
        return process, listen, node, ops

    def run_vcity(self, *words):
        result = subprocess.run([VCITY, "--json", *map(str, words)], text=True, capture_output=True, timeout=120)
        return result.returncode, json.loads(result.stdout) if result.stdout.strip() else None, result.stderr

    def attest(self, *words, policy, root=MODEL_ROOT):
        return self.run_vcity("verifier", "attest", "--policy", policy, "--model-root", root, *words)

    def refused(self, doubt, *words, **settings):
        code, report, error = self.attest(*words, **settings)
        self.assertEqual(code, REFUSED, error)
        self.assertFalse(report["believed"])
        self.assertEqual(report["trust"], "none")
        self.assertIn(doubt, [reason["doubt"] for reason in report["reasons"]])
        return report


class OnATpm(MonitorTest):
    def test_a_verifier_believes_what_is_fresh_and_nothing_else(self):
        tcti = self.start_tpm()
        code, identity, error = self.run_vcity("monitor", "identity", "--tcti", tcti)
        self.assertEqual(code, 0, error)
        entry = {"kind": "tpm", "steps": ["key_enrolment"]}
        text = {"version": 1, "epoch_seconds": EPOCH_SECONDS, "endorsement_keys": [identity["endorsement_key"]],
                "evidence": [entry]}
        policy = self.write("policy.json", text)
        process, listen, node, ops = self.start_monitor(policy, "--tee", "tpm2", "--tcti", tcti)
        url = f"http://127.0.0.1:{listen}"
        record = self.folder / "record.json"

        code, report, error = self.attest("--monitor", url, "--save", record, policy=policy)
        self.assertEqual(code, 0, error or report)
        self.assertEqual(report["trust"], "measured")
        self.assertEqual(report["machine"], identity["endorsement_key"].removeprefix("0x"))
        self.assertIn("pcr0", report["measurements"])
        self.assertEqual(self.attest("--record", record, policy=policy)[0], 0)

        self.check_refusals(url, record, policy, text)
        self.check_relay(listen, policy)
        self.check_pins(url, policy)
        self.check_seals(listen, node)
        self.assertIn("vcity_monitor_seals_total 2", request(ops, "GET", "/metrics")[1])
        process.terminate()
        self.assertEqual(process.wait(20), 0)

    def check_refusals(self, url, record, policy, text):
        self.refused("nonce", "--record", record, "--nonce", "0x" + "55" * 32, policy=policy)
        other_policy = self.write("other.json", {**text, "epoch_seconds": EPOCH_SECONDS // 2})
        self.refused("policy", "--monitor", url, policy=other_policy)
        self.refused("model_root", "--monitor", url, policy=policy, root=OTHER_ROOT)
        later = int(time.time()) + 2 * EPOCH_SECONDS
        self.refused("epoch", "--record", record, "--at", later, policy=policy)
        no_key = self.write("no_key.json", {**text, "endorsement_keys": []})
        self.assertIn("enrolment", [each["doubt"] for each in
                                    self.refused("policy", "--monitor", url, policy=no_key)["reasons"]])
        changed = json.loads(record.read_text())
        report = changed["reply"]["evidence"]["report"]
        changed["reply"]["evidence"]["report"] = report[:-2] + ("00" if report[-2:] != "00" else "01")
        self.refused("evidence", "--record", self.write("changed.json", changed), policy=policy)

    def check_relay(self, listen, policy):
        """Somebody in between who answers every verifier with evidence that was made for another."""
        first = request(listen, "POST", "/v1/evidence", {"nonce": "0x" + "77" * 32})[1]
        lies = {"replay": lambda body: first,
                # The same with the nonce that was asked for written over it.
                "rewritten": lambda body: json.dumps({**json.loads(first), "nonce": json.loads(body)["nonce"]})}
        for name, lie in lies.items():
            class Relay(http.server.BaseHTTPRequestHandler):
                def relay(self, method):
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                    if self.path == "/v1/evidence":
                        status, text = 200, lie(body)
                    else:
                        status, text = request(listen, method, self.path, json.loads(body) if body else None)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text.encode())

                def do_GET(self):
                    self.relay("GET")

                def do_POST(self):
                    self.relay("POST")

                def log_message(self, *_):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with self.subTest(name):
                self.refused("nonce" if name == "replay" else "evidence", "--monitor",
                             f"http://127.0.0.1:{server.server_port}", policy=policy)
            server.shutdown()
            server.server_close()

    def check_pins(self, url, policy):
        pins = self.folder / "pins.json"
        first, second = "0x" + "11" * 20, "0x" + "22" * 20
        for _ in range(2):
            self.assertEqual(self.attest("--monitor", url, "--pins", pins, "--node", first, policy=policy)[0], 0)
        self.refused("platform", "--monitor", url, "--pins", pins, "--node", second, policy=policy)

    def check_seals(self, listen, node):
        epoch = json.loads(request(listen, "GET", "/v1/monitor")[1])["epoch"]
        wanted = {"job_id": "0x" + "01" * 32, "verification_root": "0x" + "02" * 32, "request_hash": "0x" + "03" * 32,
                  "client_nonce": "0x" + "04" * 32, "model_root": MODEL_ROOT, "epoch": epoch}
        status, sealed = request(node, "POST", "/v1/seals", wanted)
        self.assertEqual(status, 200, sealed)
        self.assertEqual(request(node, "POST", "/v1/seals", wanted), (200, sealed))
        self.assertEqual(request(listen, "GET", "/v1/seals/" + wanted["job_id"]), (200, sealed))
        self.assertEqual(request(node, "POST", "/v1/seals", {**wanted, "verification_root": "0x" + "05" * 32})[0], 409)
        self.assertEqual(request(node, "POST", "/v1/seals", {**wanted, "model_root": OTHER_ROOT})[0], 400)
        self.assertEqual(request(listen, "POST", "/v1/seals", wanted)[0], 404)
        self.assertEqual(request(node, "POST", "/v1/seals", {"job_id": "0x" + "00" * 100_000})[0], 413)


class Simulated(MonitorTest):
    def test_a_simulation_is_refused_unless_the_build_is_for_development(self):
        policy = self.write("policy.json", {"version": 1, "simulated_roots": [], "evidence": [{"kind": "sim"}]})
        _, listen, _, _ = self.start_monitor(policy, "--tee", "sim")
        report = self.refused("evidence", "--monitor", f"http://127.0.0.1:{listen}", policy=policy)
        self.assertIn("simulated evidence", " ".join(reason["detail"] for reason in report["reasons"]))

    def test_a_monitor_without_its_device_does_not_start(self):
        policy = self.write("policy.json", {"version": 1})
        for tee in (["--tee", "tpm2", "--tcti", "swtpm:host=127.0.0.1,port=1"], ["--tee", "configfs"], ["--tee", "sev"]):
            code, _, error = self.run_vcity("monitor", "run", "--policy", policy, "--model-root", MODEL_ROOT,
                                            "--deployment", self.folder / "deployment.json", *tee)
            self.assertEqual(code, 1, error)

    def test_the_nodes_listener_is_on_loopback_only(self):
        policy = self.write("policy.json", {"version": 1})
        code, _, error = self.run_vcity("monitor", "run", "--policy", policy, "--model-root", MODEL_ROOT, "--tee", "sim",
                                        "--node-listen", "0.0.0.0:0")
        self.assertEqual(code, 2, error)


if __name__ == "__main__":
    unittest.main(verbosity=2)
