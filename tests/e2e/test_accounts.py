# SPDX-License-Identifier: Apache-2.0
"""Wallets, keys and webhooks on a real network, with the packages that others use; and no secret in any log."""
import json
import os
import re
import socket
import subprocess
import unittest

from harness import ROOT, NetworkTest

SECRET = re.compile(rb"(?:sk|vs)-vcity-[0-9A-Za-z]{20}|whsec_[0-9A-Za-z+/]{20}")


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class Accounts(NetworkTest):
    ORIGIN = f"http://127.0.0.1:{free_port()}"
    EXTRA = ("--webhook-origin", ORIGIN)

    def wallet_key(self):
        """The devnet's client: its keystore, opened by the package that the tests use."""
        program = ("import { Wallet } from 'ethers'; import { readFileSync } from 'node:fs';"
                   "const [file, password] = process.argv.slice(-2);"
                   "const wallet = Wallet.fromEncryptedJsonSync(readFileSync(file, 'utf8'),"
                   " readFileSync(password, 'utf8').trimEnd()); console.log(wallet.privateKey);")
        settings = dict(re.findall(r'(\w+)\s*=\s*"(.*)"', (self.folder / "cli.toml").read_text()))
        result = subprocess.run(["node", "--input-type=module", "-e", program, "--", settings["keystore"],
                                 settings["password_file"]], cwd=ROOT / "tests/e2e/accounts", text=True,
                                capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def test_the_official_packages_work_unchanged_and_no_secret_is_logged(self):
        self.model()
        environment = {**os.environ, "VCITY_GATEWAY": self.net.facts["gateway"], "VCITY_WALLET_KEY": self.wallet_key(),
                       "VCITY_WEBHOOK_ORIGIN": self.ORIGIN}
        result = subprocess.run(["npm", "test", "--silent"], cwd=ROOT / "tests/e2e/accounts", env=environment,
                                text=True, capture_output=True, timeout=240)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        # A key in a header that is refused, in a path, in a query and in a body.
        canary = self.key
        for method, path, body in (("GET", f"/v1/models/{canary}", None), ("GET", f"/v1/generation?id={canary}", None),
                                   ("POST", "/v1/chat/completions", {"model": canary, "messages": []}),
                                   ("GET", f"/nowhere/{canary}", None)):
            self.request(method, path, body)
        logs = [path for path in self.folder.rglob("*") if path.is_file() and path.parent.name == "logs"]
        self.assertTrue(logs, "the network writes logs")
        for path in logs:
            self.assertIsNone(SECRET.search(path.read_bytes()), f"{path.name} holds a secret")
        print(json.dumps({"logs": len(logs), "bytes": sum(path.stat().st_size for path in logs)}))


if __name__ == "__main__":
    unittest.main()
