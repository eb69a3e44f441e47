# SPDX-License-Identifier: Apache-2.0
"""A chain with the contracts, keys and money, and roles beside it as processes that a test starts, kills and stops by
itself. `Devnet` is a whole network that looks after itself; this is for trials of single roles."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from .shell import ROOT, Failed

ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
READY_SECONDS = 60
MINE_EVERY = 0.05


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One process of our own, with its output in a file."""

    def __init__(self, name, command, log):
        self.name, self.command, self.log = name, [str(word) for word in command], log
        self.child = None

    def start(self):
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT,
                                          start_new_session=True)

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)

    def kill(self):
        if self.is_running():
            self.child.kill()
            self.child.wait()

    def stop(self, seconds=15):
        if not self.is_running():
            return
        self.child.send_signal(signal.SIGCONT)
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def cpu_seconds(self):
        """Of the process and all its threads."""
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:]


class Stand:
    """with Stand(vcity, folder, identities=["scheduler-2"]) as stand: ..."""

    def __init__(self, vcity, folder, nodes=3, identities=()):
        self.vcity, self.folder, self.nodes, self.identities = vcity, pathlib.Path(folder), nodes, identities
        self.processes = []

    def __enter__(self):
        if not ANVIL.is_file():
            raise Failed("anvil is missing: run `tools/dev setup`")
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        self.rpc = f"http://127.0.0.1:{free_port()}"
        try:
            self.start("anvil", [ANVIL, "--host", "127.0.0.1", "--port", self.rpc.rsplit(":", 1)[1], "--accounts", "1",
                                 "--silent"])
            self.wait(lambda: self.call("eth_chainId"), "anvil")
            self.prepare()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            process.stop()

    def prepare(self):
        """Blocks come fast meanwhile: every account waits for its money."""
        done = threading.Event()

        def mine():
            while not done.wait(MINE_EVERY):
                self.call("evm_mine")

        miner = threading.Thread(target=mine)
        miner.start()
        try:
            words = [word for name in self.identities for word in ("--identity", name)]
            self.run("devnet", "--state", self.folder, "--rpc", self.rpc, "--nodes", self.nodes, "prepare", *words)
        finally:
            done.set()
            miner.join()

    def call(self, method, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.rpc, data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer).get("result", True)
        except (OSError, ValueError):
            return None

    def run(self, *words):
        command = [str(word) for word in (self.vcity, *words)]
        result = subprocess.run(command, text=True, capture_output=True)
        if result.returncode != 0:
            raise Failed(f"{' '.join(command)} ended with {result.returncode}: {result.stderr.strip()}")
        return result.stdout

    def wait(self, condition, what, seconds=READY_SECONDS):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise Failed(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    # --- identities and processes

    def address(self, name):
        stored = json.loads((self.folder / "keys" / f"{name}.json").read_text())["address"]
        return "0x" + stored.removeprefix("0x")

    def key(self, name):
        return ["--keystore", self.folder / "keys" / f"{name}.json", "--password-file", self.folder / "keys/password"]

    def role_words(self, role, name, ops_port, state=None):
        """The command line of a role that the whole network would run, without what only this role needs."""
        return [self.vcity, role, "run", "--state", self.folder / "stores" / (state or name), "--rpc", self.rpc,
                "--deployment", self.folder / "deployment.json", "--ops", f"127.0.0.1:{ops_port}", *self.key(name)]

    def start(self, name, command):
        process = Process(name, command, self.folder / "logs" / f"{name}.log")
        process.start()
        self.processes.append(process)
        return process


def is_ready(ops_port, path="/readyz"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}{path}", timeout=1) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False
