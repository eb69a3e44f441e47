# SPDX-License-Identifier: Apache-2.0
"""Agents as NFTs from the command line: minted, offered, bought, licensed, called, rated, and paid for."""
import json
import unittest

from harness import wait_for
from test_token_cli import CliTest as Base

MINT = "0x40c10f19"  # mint(address,uint256) of the development stablecoin


class AgentCli(Base):
    def setUp(self):
        super().setUp()
        self.buyer = self.address_of("node-1")
        self.as_buyer = ("--keystore", str(self.net.state / "keys" / "node-1.json"))
        self.give_dollars(self.buyer, 1_000)

    def rpc(self, method, *parameters):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return self.request("POST", "/", body, base=self.net.facts["rpc"]).json()["result"]

    def give_dollars(self, address, dollars):
        stable = json.loads((self.net.state / "deployment.json").read_text())["stable"]
        sender = self.rpc("eth_accounts")[0]
        data = MINT + address[2:].rjust(64, "0") + hex(dollars * 10**6)[2:].rjust(64, "0")
        sent = self.rpc("eth_sendTransaction", {"from": sender, "to": stable, "data": data})
        receipt = wait_for(lambda: self.rpc("eth_getTransactionReceipt", sent), "the dollars")
        self.assertEqual(receipt["status"], "0x1")

    def test_an_agent_from_its_mint_to_its_earnings(self):
        file = self.folder / "agent.json"
        file.write_text(json.dumps({"type": "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
                                    "name": "museum guide", "description": "answers visitors"}))
        agent = self.done("agent", "mint", str(file), "--royalty", "5", "--creator", "12.5")["agent"]
        shown = self.done("agent", "show", agent)
        self.assertEqual((shown["version"], shown["royalty"], shown["creator_share"]), (1, "5.00 %", "12.50 %"))
        self.assertEqual(shown["price_usd"], "not for sale")
        self.assertTrue(shown["registration_file"].startswith("ipfs://"), shown)
        developer = shown["developer"]

        self.done("agent", "sell", agent, "40", "--days", "3")
        self.assertEqual(self.done("agent", "list")[0]["price_usd"], "40.000000")
        self.assertEqual(self.refused("agent", "buy", agent, "--max", "39", *self.as_buyer)[0], 5)
        self.done("agent", "buy", agent, *self.as_buyer)
        self.assertEqual(self.done("agent", "show", agent)["holder"].lower(), self.buyer.lower())
        earned = self.done("agent", "earnings", developer)
        self.assertGreater(float(earned["from_sales_usd"]), 35)

        self.done("agent", "terms", agent, "--per-call", "0.02", "--shared-per-day", "1", *self.as_buyer)
        self.assertFalse(self.done("agent", "show", agent)["you_may_call"])
        self.assertEqual(self.refused("agent", "license", agent, "--days", "2", "--exclusive")[0], 5)
        self.done("agent", "license", agent, "--days", "2")
        self.done("agent", "calls", agent, "100")
        mine = self.done("agent", "show", agent)
        self.assertEqual((mine["you_may_call"], mine["your_prepaid_calls"]), (True, 100))
        voucher = self.done("agent", "voucher", agent, "60")
        self.done("agent", "redeem", agent, voucher["user"], "60", voucher["signature"], *self.as_buyer)
        self.assertEqual(self.done("agent", "show", agent)["your_prepaid_calls"], 40)
        self.assertEqual(self.refused("agent", "redeem", agent, voucher["user"], "99", voucher["signature"],
                                      *self.as_buyer)[0], 5)
        self.assertGreater(float(self.done("agent", "earnings", self.buyer)["from_usage_usd"]), 1)
        self.done("agent", "withdraw", *self.as_buyer)
        self.assertEqual(float(self.done("agent", "earnings", self.buyer)["from_usage_usd"]), 0)

        file.write_text(json.dumps({"name": "museum guide", "description": "answers visitors in two languages"}))
        self.assertEqual(self.done("agent", "publish", agent, str(file), *self.as_buyer)["version"], "2")

    def test_refuses_with_a_reason(self):
        self.assertEqual(self.refused("agent", "show", "77")[0], 3)
        self.assertEqual(self.refused("agent", "show", "seven")[0], 2)
        bad = self.folder / "bad.json"
        bad.write_text("{")
        code, message = self.refused("agent", "mint", str(bad))
        self.assertEqual(code, 2)
        self.assertIn("bad.json", message)
        bad.write_text("{}")
        self.assertIn("ERC-8004", self.refused("agent", "mint", str(bad))[1])
        self.assertEqual(self.refused("agent", "mint", str(bad), "--royalty", "101")[0], 2)


if __name__ == "__main__":
    unittest.main()
