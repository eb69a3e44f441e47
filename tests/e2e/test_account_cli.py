# SPDX-License-Identifier: Apache-2.0
"""An account from the command line: a key file is made, signs in, deposits by permit, makes and changes keys."""
import json
import os
import subprocess
import unittest

from harness import VCITY, NetworkTest


class AccountCli(NetworkTest):
    def vcity(self, *words, expect=0, **environment):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", *words], text=True,
                                env={**os.environ, "XDG_STATE_HOME": str(self.folder / "home"), **environment},
                                capture_output=True, timeout=60)
        self.assertEqual(result.returncode, expect, f"{words}: {result.stdout}{result.stderr}")
        return json.loads(result.stdout) if result.stdout.strip() else result.stderr

    def sent(self):
        """Transactions of the client so far."""
        address = self.vcity("wallet", "address")["address"]
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getTransactionCount", "params": [address, "latest"]}
        return int(self.request("POST", "/", call, base=self.net.facts["rpc"]).json()["result"], 16)

    def test_a_deposit_by_permit_is_one_transaction(self):
        for words, transactions in ((("3.25",), 1), (("1", "--approve"), 2)):
            before, sent = self.vcity("wallet", "balance"), self.sent()
            self.vcity("wallet", "deposit", *words)
            after = self.vcity("wallet", "balance")
            gained = float(after["escrow_available_usd"]) - float(before["escrow_available_usd"])
            self.assertAlmostEqual(gained, float(words[0]), places=6)
            self.assertEqual(self.sent() - sent, transactions)

    def test_a_key_file_is_an_account(self):
        self.assertIn("vcity account login", self.vcity("account", "show", expect=4))
        login = self.vcity("account", "login")
        session = self.folder / "home/vcity/session.json"
        self.assertEqual(session.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("token", login)
        self.assertEqual(self.vcity("account", "show")["address"].lower(), login["address"].lower())

        secret = self.folder / "made.key"
        made = self.vcity("account", "keys", "new", "2", "--name", "laptop", "--budget", "1d=0.5", "--out", secret)
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("sk-vcity-", json.dumps(made))
        key = {"Authorization": "Bearer " + secret.read_text().strip()}
        body = {"model": self.model(), "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
        answer = self.request("POST", "/v1/chat/completions", body, headers=key)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn("laptop", json.dumps(self.vcity("account", "keys", "list")))

        changed = self.vcity("account", "keys", "budget", made["id"], "--budget", "1d=0.000001")
        self.assertEqual(changed["budgets"][0]["usd"], "0.000001")
        answer = self.request("POST", "/v1/chat/completions", body, headers=key)
        self.assertEqual((answer.status, answer.error()), (402, "key_budget_exceeded"))
        self.vcity("account", "keys", "disable", made["id"])
        self.assertEqual(self.request("GET", "/v1/models", headers=key).error(), "disabled_api_key")
        self.vcity("account", "keys", "enable", made["id"])
        self.assertEqual(self.request("GET", "/v1/models", headers=key).status, 200)
        self.vcity("account", "keys", "remove", made["id"])
        self.assertEqual(self.request("GET", "/v1/models", headers=key).status, 401)

        self.vcity("account", "keys", "budget", "../nodes", "--budget", "1d=1", expect=2)
        self.vcity("account", "keys", "new", "2", "--name", "x", "--budget", "1w=1", expect=2)
        other = self.net.facts["gateway"].replace("127.0.0.1", "localhost")
        self.assertIn("asks for a signature for", self.vcity("account", "login", expect=4, VCITY_GATEWAY=other))
        self.vcity("account", "logout")
        self.vcity("account", "show", expect=4)


if __name__ == "__main__":
    unittest.main()
