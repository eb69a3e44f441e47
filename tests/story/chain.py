# SPDX-License-Identifier: Apache-2.0
"""Transactions and calls by signature, for contracts that have no command of `vcity` yet. Encoding and signing are
`cast`'s; transactions are legacy ones with explicit gas, which every chain takes."""
import ast
import json
import pathlib
import re
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAST = ROOT / "contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast"
RECEIPT_TIMEOUT = 90  # seconds: a slot of the proof-of-stake network may be missed, several in a row are not


class Reverted(AssertionError):
    """A call or transaction that the contract refused; `data` is the custom error."""

    def __init__(self, what, message, data=None):
        super().__init__(f"{what}: {message} {data or ''}")
        self.data = data


def cast(*words):
    done = subprocess.run([str(CAST), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cast {words[0]} {words[1] if len(words) > 1 else ''}: {done.stderr.strip()}")
    return done.stdout.strip()


def argument(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        open_, close = ("[", "]") if isinstance(value, list) else ("(", ")")
        return open_ + ",".join(argument(item) for item in value) + close
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value)


class Account:
    """A key file of Web3 Secret Storage and the file with its password: no key is ever an argument of a program."""

    def __init__(self, keystore, password_file):
        self.words = ["--keystore", str(keystore), "--password-file", str(password_file)]
        self.address = "0x" + json.loads(pathlib.Path(keystore).read_text())["address"].removeprefix("0x")

    def sign(self, digest):
        """The signature of a 32-byte digest as it is (EIP-712 digests are made by the contracts)."""
        return cast("wallet", "sign", "--no-hash", *self.words, digest)


class Chain:
    """urls: RPC servers of one chain; when one dies the next is asked."""

    def __init__(self, urls):
        self.urls = list(urls)
        self.chain_id = int(self.rpc("eth_chainId"), 16)

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        failure = None
        for url in self.urls:
            request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    reply = json.load(answer)
            except OSError as error:
                failure = error
                continue
            if "error" in reply:
                raise Reverted(method, reply["error"].get("message"), reply["error"].get("data"))
            return reply["result"]
        raise AssertionError(f"no RPC server answers: {failure}")

    def data(self, signature, *arguments):
        return cast("calldata", self._inputs(signature), *map(argument, arguments))

    @staticmethod
    def _inputs(signature):
        """The signature without its results."""
        depth = 0
        for at, letter in enumerate(signature):
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if letter == ")" and depth == 0:
                return signature[: at + 1]
        raise ValueError(signature)

    def call(self, to, signature, *arguments, sender=None):
        """signature with its results: "balanceOf(address)(uint256)". One result as itself, several as a list."""
        request = {"to": to, "data": self.data(signature, *arguments), **({"from": sender} if sender else {})}
        raw = self.rpc("eth_call", request, "latest")
        lines = cast("abi-decode", signature, raw).splitlines()
        values = [self._value(line) for line in lines]
        return values[0] if len(values) == 1 else values

    @staticmethod
    def _value(line):
        """What `cast abi-decode` prints: numbers (with an approximation behind large ones), words in hex, tuples."""
        plain = re.sub(r" \[[0-9.]+e[0-9]+\]", "", line)
        quoted = re.sub(r"0x[0-9a-fA-F]*", r'"\g<0>"', plain)
        return ast.literal_eval(re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", quoted)))

    def send(self, account, to, signature, *arguments):
        """Waits for the receipt; raises Reverted."""
        return self._send(account, to, self.data(signature, *arguments), 0, signature)

    def send_coins(self, account, to, amount):
        return self._send(account, to, "0x", amount, "sending coins")

    def _send(self, account, to, data, value, what):
        request = {"from": account.address, "to": to, "data": data, "value": hex(value)}
        try:
            gas = int(self.rpc("eth_estimateGas", request), 16) * 13 // 10
        except Reverted as refused:
            raise Reverted(what, str(refused), refused.data) from None
        nonce = int(self.rpc("eth_getTransactionCount", account.address, "pending"), 16)
        base_fee = int(self.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
        price = max(2 * base_fee, 10**9)
        raw = cast("mktx", *account.words, "--legacy", "--gas-price", price, "--gas-limit", gas, "--nonce",
                   nonce, "--chain", self.chain_id, "--value", value, to, data)
        receipt = self.wait_receipt(self.rpc("eth_sendRawTransaction", raw))
        if receipt["status"] != "0x1":
            raise Reverted(what, "reverted in block " + receipt["blockNumber"])
        return receipt

    def wait_receipt(self, transaction):
        deadline = time.monotonic() + RECEIPT_TIMEOUT
        while time.monotonic() < deadline:
            receipt = self.rpc("eth_getTransactionReceipt", transaction)
            if receipt:
                return receipt
            time.sleep(0.2)
        raise AssertionError(f"no receipt of {transaction} within {RECEIPT_TIMEOUT} s")

    def now(self):
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def wait_until(self, timestamp, timeout=300):
        """Until a block is at least that old; somebody else makes blocks, or the chain makes them by itself."""
        deadline = time.monotonic() + timeout
        while self.now() < timestamp:
            if time.monotonic() > deadline:
                raise AssertionError(f"the chain did not reach {timestamp} within {timeout} s")
            time.sleep(0.5)
