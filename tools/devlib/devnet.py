# SPDX-License-Identifier: Apache-2.0
"""A development network as a child process: for the demo, the end-to-end tests and measurements."""
import json
import os
import signal
import socket
import subprocess
import time

from .shell import Failed

READY_SECONDS = 90


RESERVED = 999  # a port of the block that no role uses


def take_port_base():
    """The first block of ports that nobody listens on (8000, 18000, 28000, ...), and a socket that keeps it from other
    networks until it is closed: roles come to listen only after the deployment."""
    for base in range(8000, 60000, 10000):
        reservation = socket.socket()
        try:
            reservation.bind(("127.0.0.1", base + RESERVED))
            reservation.listen()
        except OSError:
            reservation.close()
            continue
        taken = False
        for offset in (70, 80, 90, 545, *range(1100, 1110)):
            with socket.socket() as probe:
                taken = taken or probe.connect_ex(("127.0.0.1", base + offset)) == 0
        if not taken:
            return base, reservation
        reservation.close()
    raise Failed("no free block of ports between 8000 and 60000")


class Devnet:
    """A development network as a child process, stopped in order at the end."""

    def __init__(self, program, state, extra=(), ready_seconds=READY_SECONDS):
        self.program, self.state, self.extra, self.ready_seconds = program, state, extra, ready_seconds

    def __enter__(self):
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "devnet.json").unlink(missing_ok=True)
        self.log = open(self.state / "devnet.log", "w", encoding="utf-8")
        base, self.reservation = take_port_base()
        self.process = subprocess.Popen(
            [self.program, "devnet", "--state", self.state, "--port-base", str(base),
             *self.extra],
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.facts = self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + self.ready_seconds
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
        self.reservation.close()
        self.log.close()

    def vcity(self, *words):
        """Runs a client command against this network and returns what it printed as JSON."""
        result = subprocess.run([self.program, "--settings", self.state / "cli.toml", "--json", *words], text=True,
                                capture_output=True)
        if result.returncode != 0:
            raise Failed(f"vcity {' '.join(map(str, words))} ended with {result.returncode}: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def refreshed(self):
        """The facts as they are now: process ids change when a role was started again."""
        return json.loads((self.state / "devnet.json").read_text())

    def balances(self):
        return self.vcity("devnet", "balances", "--state", self.state)
