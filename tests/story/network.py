# SPDX-License-Identifier: Apache-2.0
"""The development network that a story runs on, and the chain below it."""
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

from chain import Account, Chain, Reverted

from devlib.devnet import Devnet

COIN = 10**18
SETTLED_TIMEOUT = 180  # seconds


def struct_type(name):
    """The ABI type of a struct of contracts/src/types/Types.sol, as a tuple."""
    source = (pathlib.Path(__file__).resolve().parents[2] / "contracts/src/types/Types.sol").read_text()
    body = re.search(rf"struct {name} \{{(.*?)\}}", source, re.S).group(1)
    enums = set(re.findall(r"enum (\w+)", source))
    types = [line.split()[0] for line in body.strip().splitlines() if line.strip()]
    return "(" + ",".join("uint8" if each in enums else each for each in types) + ")"


class StoryNetwork(contextlib.AbstractContextManager):
    """chain_name "anvil" lets the network start its own anvil; otherwise a running PosNet is given."""

    def __init__(self, build, posnet=None):
        self.vcity = build / "apps/vcity/vcity"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-story-"))
        self.state = self.folder
        self.keys = self.folder / "keys"
        self.posnet = posnet
        extra = ["--worker", build / "apps/worker/vcity-worker", "--epoch-seconds", "5", "--challenge-seconds", "5"]
        if posnet:
            funder = self.new_key("funder")
            posnet.fund(funder.address)
            posnet.start()
            extra += ["--rpc", posnet.nodes[0].rpc_url, "--funder-keystore", self.keys / "funder.json",
                      "--funder-password-file", self.keys / "password"]
        self.devnet = Devnet(self.vcity, self.folder, [str(word) for word in extra],
                             ready_seconds=1_200 if posnet else 120)

    def __enter__(self):
        self.devnet.__enter__()
        urls = [node.rpc_url for node in self.posnet.nodes] if self.posnet else [self.devnet.facts["rpc"]]
        self.chain = Chain(urls)
        self.coins = self.account("funder" if self.posnet else "deployer")
        return self

    def __exit__(self, *failure):
        self.devnet.__exit__(*failure)
        if self.posnet:
            self.posnet.stop()
        if failure[0] is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"the network's files stay in {self.folder}")

    # --- keys and coins

    def run(self, *words):
        settings = self.folder / "cli.toml"  # the network writes it when it is up
        known = ["--settings", str(settings)] if settings.exists() else []
        done = subprocess.run([str(self.vcity), *known, "--json", *map(str, words)], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"vcity {' '.join(map(str, words))}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def new_key(self, name):
        self.keys.mkdir(mode=0o700, exist_ok=True)
        password = self.keys / "password"
        if not password.exists():
            password.write_text("a password of a network that lives for minutes\n")
            password.chmod(0o600)
        self.run("wallet", "--keystore", self.keys / f"{name}.json", "--password-file", password, "new")
        return self.account(name)

    def account(self, name):
        return Account(self.keys / f"{name}.json", self.keys / "password")

    def member(self, address):
        """The account of this network with that address."""
        for path in self.keys.glob("*.json"):
            account = self.account(path.stem)
            if account.address.lower() == address.lower():
                return account
        raise AssertionError(f"{address} is nobody of this network")

    def node_addresses(self):
        return [self.account(path.stem).address for path in sorted(self.keys.glob("node-*.json"))]

    def give_coins(self, address):
        self.chain.send_coins(self.coins, address, COIN)

    def contracts(self):
        return json.loads((self.folder / "deployment.json").read_text())["contracts"]

    # --- jobs

    def ask(self, path, body=None):
        key = pathlib.Path(self.devnet.facts["api_key_file"]).read_text().strip()
        request = urllib.request.Request(self.devnet.facts["gateway"] + path,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def chat(self, prompt):
        """Asks a model and waits until the job is settled on chain: what the network knows of the job."""
        model = self.ask("/v1/models")["data"][0]["id"]
        answer = self.ask("/v1/chat/completions", {"model": model, "max_tokens": 24,
                                                   "messages": [{"role": "user", "content": prompt}]})
        deadline = time.monotonic() + SETTLED_TIMEOUT
        while True:
            job = self.ask("/v1/generation?id=" + answer["id"])["data"]
            if job["state"] in ("settled", "failed", "rejected") or time.monotonic() > deadline:
                return job
            time.sleep(0.5)

    # --- the court

    def seat_committee(self, court, case, caller):
        """The committee is drawn from a block after the accusation; each try makes one where nobody else does."""
        deadline = time.monotonic() + 120
        while True:
            try:
                self.chain.send(caller, court, "seatCommittee(uint256)", case)
                break
            except Reverted:
                if self.committee_of(court, case):  # a keeper was first
                    break
                if time.monotonic() > deadline:
                    raise
                self.chain.send_coins(caller, caller.address, 0)
        return self.committee_of(court, case)

    def committee_of(self, court, case):
        committee = self.chain.call(court, "committeeOf(uint256)(address[])", case)
        return re.findall(r"0x[0-9a-fA-F]{40}", str(committee))
