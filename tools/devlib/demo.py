# SPDX-License-Identifier: Apache-2.0
"""`make demo`: from a fresh machine to a verified, paid model call, and a table that shows every step of it."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from .build import build
from .setup import setup
from .shell import BUILD, ROOT, Failed, Step, run

QUESTION = "What is free software?"
STATE = ROOT / ".vcity" / "demo"
READY_SECONDS = 90
SETTLED_SECONDS = 60
CLAIMED_SECONDS = 60


def free_port_base():
    """The first block of ports that nobody listens on: 8000, 18000, 28000, ..."""
    for base in range(8000, 60000, 10000):
        taken = False
        for offset in (70, 80, 90, 545, 1100, 1101, 1102, 1103, 1104, 1105, 1106):
            with socket.socket() as probe:
                taken = taken or probe.connect_ex(("127.0.0.1", base + offset)) == 0
        if not taken:
            return base
    raise Failed("no free block of ports between 8000 and 60000")


class Devnet:
    """A development network as a child process, stopped in order at the end."""

    def __init__(self, program, state):
        self.program, self.state = program, state

    def __enter__(self):
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "devnet.json").unlink(missing_ok=True)
        self.log = open(self.state / "devnet.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.program, "devnet", "--state", self.state, "--port-base", str(free_port_base())],
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.facts = self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                return json.loads((self.state / "devnet.json").read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.1)
        raise Failed("the network did not start; its log says:\n" + (self.state / "devnet.log").read_text()[-3000:])

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()

    def vcity(self, *words):
        """Runs a client command against this network and returns what it printed as JSON."""
        result = subprocess.run([self.program, "--settings", self.state / "cli.toml", "--json", *words], text=True,
                                capture_output=True)
        if result.returncode != 0:
            raise Failed(f"vcity {' '.join(map(str, words))} ended with {result.returncode}: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def balances(self):
        return self.vcity("devnet", "balances", "--state", self.state)


def chat(net):
    """Streams one request through the official npm client and returns the id of the answer."""
    environment = {**os.environ, "OPENAI_BASE_URL": net.facts["gateway"] + "/v1",
                   "OPENAI_API_KEY": pathlib.Path(net.facts["api_key_file"]).read_text().strip()}
    result = subprocess.Popen(["node", "tests/e2e/openai/chat.mjs", QUESTION], cwd=ROOT, env=environment, text=True,
                              stdout=subprocess.PIPE)
    lines = []
    while piece := result.stdout.read(1):
        lines.append(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()
    if result.wait() != 0:
        raise Failed("the chat client failed")
    words = "".join(lines).split()
    return next(word for word in reversed(words) if word.startswith("chatcmpl-"))


def wait_for_claim(net, before, node):
    """Earnings leave the contract after the challenge window; the node claims them by itself."""
    def wallet(balances):
        return next(row["wallet"] for row in balances["accounts"] if row["address"].lower() == node.lower())

    deadline = time.monotonic() + CLAIMED_SECONDS
    after = net.balances()
    while wallet(after) == wallet(before) and time.monotonic() < deadline:
        time.sleep(0.5)
        after = net.balances()
    return after


def print_rows(rows):
    width = max(len(title) for title, _ in rows)
    for title, value in rows:
        print(f"  {title:<{width}}  {value}")


def print_job(job):
    receipt, verdict, batch = job["receipt"], job["verdict"], job["batch"]
    print("\nWhat happened")
    print_rows([
        ("node", job["node"]),
        ("why", job["placement"]["reason"]),
        ("tokens", f"{job['usage']['prompt_tokens']} in, {job['usage']['completion_tokens']} out"),
        ("price quoted", f"{job['quote']} USD at most"),
        ("price charged", f"{job['cost']} USD"),
        ("receipt", receipt["hash"]),
        ("verifier", f"{verdict['outcome']}: {verdict['reason']}" if verdict else "not drawn for an audit"),
        ("settlement", f"batch {batch['index']}, transaction {batch['transaction']}"),
    ])


def print_balances(before, after):
    print("\nBalances in USD             before            after           change")
    for old, new in zip(before["accounts"], after["accounts"]):
        total_old, total_new = int(old["total"]), int(new["total"])
        print(f"  {new['name']:<18}{total_old / 1e6:>16.6f} {total_new / 1e6:>16.6f} {(total_new - total_old) / 1e6:>16.6f}")
    for label, row in (("sum", "sum"), ("tokens in existence", "supply")):
        print(f"  {label:<18}{int(before[row]) / 1e6:>16.6f} {int(after[row]) / 1e6:>16.6f}")
    if not int(before["sum"]) == int(before["supply"]) == int(after["supply"]) == int(after["sum"]):
        raise Failed("the sum of all balances is not what exists: money appeared or vanished")
    print("  Every unit is accounted for: the sum of all balances is what exists, before and after.")


def print_checks(checks):
    print("\nThe receipt, checked against the chain")
    for check in checks:
        print(f"  {check['result']:<5} {check['check']}")


def show(net):
    before = net.balances()
    print(f"\n> {QUESTION}\n")
    job_id = chat(net)
    job = net.vcity("job", "show", job_id, "--wait", "settled", "--timeout", str(SETTLED_SECONDS))
    after = wait_for_claim(net, before, job["node"])
    print_job(job)
    print_balances(before, after)
    print_checks(net.vcity("receipt", "verify", job_id))


def demo(keep=False):
    with Step("install what is missing"):
        setup(["contracts", "tests/e2e/openai"])
    with Step("build"):
        build("release", ["vcity", "vcity-worker"])
    program = BUILD / "release/apps/vcity/vcity"
    start = time.monotonic()
    print("\n=== a network of three nodes on this machine", flush=True)
    with Devnet(program, STATE) as net:
        print(f"up after {time.monotonic() - start:.1f} s: chain {net.facts['chain_id']}, gateway {net.facts['gateway']}")
        show(net)
        if keep:
            print(f"\nThe network stays up ({net.facts['gateway']}); Ctrl-C stops it.")
            try:
                net.process.wait()
            except KeyboardInterrupt:
                pass
    print(f"\nDone in {time.monotonic() - start:.0f} s. Start your own with `tools/dev net`.")
