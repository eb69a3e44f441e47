#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proof-of-stake network of real EVM nodes on loopback: N execution clients (@ethereumjs/client) and N beacon clients
(Lodestar), eight validators shared out over them, Casper FFG finality, EVM level Shanghai.

    python3 tests/posnet/posnet.py --nodes 4 --fund 0xADDRESS      # runs until interrupted, prints heads and finality

Blocks come every slot (3 s); the chain is final two epochs (of 8 slots) behind. The packages of tests/posnet/{el,cl} are
installed on first use (about 300 MB).
"""
import argparse
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
VALIDATORS = 8
CHAIN_ID = 1337
START_TIMEOUT = 90  # seconds for one client to open its port on a busy machine
GENESIS_DELAY = 75  # seconds from the start of the beacon nodes to the first slot
ZERO_ADDRESS = "0x" + "00" * 20
COINS = "0xD3C21BCECCEDA1000000"  # 1,000,000 ether for each funded account


def free_ports(count):
    """Ports that were free a moment ago, all held open together so that none comes twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def http_json(url, body=None, timeout=5):
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode(),
                                     headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def wait_for(condition, what, timeout=START_TIMEOUT):
    deadline = time.monotonic() + timeout
    while True:
        try:
            value = condition()
        except (OSError, ValueError, KeyError, urllib.error.URLError):
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(0.5)


def install():
    for part in ("el", "cl"):
        folder = HERE / part
        if not (folder / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)


class Node:
    def __init__(self, index, folder, ports):
        self.index = index
        self.folder = folder / f"node{index}"
        self.folder.mkdir()
        self.rpc_port, self.engine_port, self.el_port, self.cl_port, self.rest_port = ports
        self.processes = []

    @property
    def rpc_url(self):
        return f"http://127.0.0.1:{self.rpc_port}"

    @property
    def rest_url(self):
        return f"http://127.0.0.1:{self.rest_port}"

    def spawn(self, name, command, env=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **(env or {})}, cwd=self.folder,
                                   start_new_session=True)
        self.processes.append(process)
        return process

    def rpc(self, method, *params):
        answer = http_json(self.rpc_url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes = []

    def head(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def finalized_epoch(self):
        answer = http_json(f"{self.rest_url}/eth/v1/beacon/states/head/finality_checkpoints")
        return int(answer["data"]["finalized"]["epoch"])


class PosNet:
    """Start with `start()`, stop with `stop()`; `nodes[i].kill()` takes one pair down for good."""

    def __init__(self, nodes=4, slot_seconds=3, funded=(), folder=None):
        self.own_folder = None if folder else tempfile.TemporaryDirectory(prefix="vcity-posnet-")
        self.folder = pathlib.Path(folder or self.own_folder.name)
        self.slot_seconds = slot_seconds
        ports = free_ports(5 * nodes)
        self.nodes = [Node(i, self.folder, ports[5 * i : 5 * i + 5]) for i in range(nodes)]
        self.genesis = self.folder / "genesis.json"
        self.genesis.write_text((HERE / "genesis.json").read_text())
        for account in funded:
            self.fund(account)
        self.secret = self.folder / "jwt"
        self.secret.write_text(secrets.token_hex(32))

    def start(self):
        install()
        try:
            self._start_execution()
            self._start_beacons()
            wait_for(lambda: self.nodes[0].head() > 0, "the first block", GENESIS_DELAY + 60)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for node in self.nodes:
            node.kill()
        if self.own_folder:
            self.own_folder.cleanup()

    def fund(self, account):
        """Before the start: a million ether for an account."""
        genesis = json.loads(self.genesis.read_text())
        genesis["alloc"][account.removeprefix("0x")] = {"balance": COINS}
        self.genesis.write_text(json.dumps(genesis))

    def kill_last(self):
        """Takes the last node down for good, with its share of the validators: what happened, in words."""
        self.nodes[-1].kill()
        return f"node {len(self.nodes) - 1} of {len(self.nodes)} is gone, with a quarter of the validators"

    def report(self):
        lines = []
        for node in self.nodes:
            try:
                lines.append(f"node {node.index}: block {node.head()}, finalized epoch {node.finalized_epoch()}")
            except (OSError, ValueError, KeyError):
                lines.append(f"node {node.index}: down")
        return lines

    def _start_execution(self):
        client = HERE / "el/node_modules/@ethereumjs/client/dist/esm/bin/cli.js"
        enode = None
        for node in self.nodes:
            boot = [f"--bootnodes={enode}"] if enode else []
            node.spawn("execution", [
                "node", client, "--gethGenesis", self.genesis, "--dataDir", node.folder / "el", "--logFile=false",
                "--rpc", "--rpcAddr", "127.0.0.1", "--rpcPort", node.rpc_port, "--rpcEngine", "--rpcEngineAddr",
                "127.0.0.1", "--rpcEnginePort", node.engine_port, "--jwtSecret", self.secret, "--port", node.el_port,
                "--extIP", "127.0.0.1", "--discDns=false", "--minPeers=1", *boot])
            log = node.folder / "execution.log"
            found = wait_for(lambda log=log: re.search(r"enode://\S+", log.read_text(errors="replace")),
                             f"execution client {node.index}")
            enode = enode or found.group(0)
        self.genesis_hash = wait_for(lambda: self.nodes[0].rpc("eth_getBlockByNumber", "0x0", False),
                                     "the genesis block")["hash"]

    def _start_beacons(self):
        genesis_time = int(time.time()) + GENESIS_DELAY
        share = VALIDATORS // len(self.nodes)
        boot = []
        for node in self.nodes:
            first = node.index * share
            forks = [word for fork in ("ALTAIR", "BELLATRIX", "CAPELLA")
                     for word in (f"--params.{fork}_FORK_EPOCH", 0)]
            node.spawn("beacon", [
                "node", "-r", HERE / "promise.cjs", HERE / "cl/node_modules/.bin/lodestar", "dev", "--dataDir", node.folder / "cl",
                "--reset", "--genesisValidators", VALIDATORS, "--startValidators", f"{first}..{first + share - 1}",
                "--genesisTime", genesis_time, "--genesisEth1Hash", self.genesis_hash, "--enr.ip", "127.0.0.1",
                "--listenAddress", "127.0.0.1", "--port", node.cl_port, "--rest.port", node.rest_port,
                "--server", node.rest_url, "--execution.urls", f"http://127.0.0.1:{node.engine_port}",
                "--jwt-secret", self.secret, "--eth1", "false", "--mdns", "false",
                "--params.SECONDS_PER_SLOT", self.slot_seconds, *forks, "--params.TERMINAL_TOTAL_DIFFICULTY", 0,
                "--logLevel", "warn", "--suggestedFeeRecipient", ZERO_ADDRESS, *boot],
                env={"LODESTAR_PRESET": "minimal"})
            if not boot:
                enr = wait_for(lambda: http_json(f"{node.rest_url}/eth/v1/node/identity")["data"]["enr"],
                               "the first beacon client")
                boot = ["--bootnodes", enr, "--network.connectToDiscv5Bootnodes", "true"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=4, choices=(1, 2, 4, 8))
    parser.add_argument("--slot", type=int, default=3, help="seconds a slot (default %(default)s)")
    parser.add_argument("--fund", action="append", default=[], metavar="ADDRESS", help="gets a million ether")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    network = PosNet(options.nodes, options.slot, options.fund)
    network.start()
    try:
        for node in network.nodes:
            print(f"node {node.index}: {node.rpc_url}", flush=True)
        while True:
            time.sleep(8 * options.slot)
            print("; ".join(network.report()), flush=True)
    except KeyboardInterrupt:
        return 0
    finally:
        network.stop()


if __name__ == "__main__":
    sys.exit(main())
