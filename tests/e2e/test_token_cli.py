# SPDX-License-Identifier: Apache-2.0
"""The trust layer from the command line: locks, votes that keepers carry out, stakes, refusals as sentences."""
import json
import subprocess
import unittest

from harness import VCITY, NetworkTest, wait_for


class CliTest(NetworkTest):
    """What vcity says when it is run against the network of the class."""

    EXTRA = ("--nodes", "1")

    def address_of(self, name):
        return "0x" + json.loads((self.net.state / "keys" / f"{name}.json").read_text())["address"].removeprefix("0x")

    def run_vcity(self, *words):
        """Exit code, what was printed as JSON, and the error's message."""
        result = subprocess.run([VCITY, "--settings", self.net.state / "cli.toml", "--json", "--yes", *words], text=True,
                                capture_output=True)
        printed = json.loads(result.stdout) if result.stdout.strip() else None
        message = json.loads(result.stderr)["error"]["message"] if result.returncode and result.stderr else ""
        return result.returncode, printed, message

    def done(self, *words):
        code, printed, message = self.run_vcity(*words)
        self.assertEqual(code, 0, message)
        return printed

    def refused(self, *words):
        code, _, message = self.run_vcity(*words)
        self.assertNotEqual(code, 0, f"vcity {' '.join(words)} was accepted")
        return code, message


class TokenCli(CliTest):
    def test_a_lock_from_creation_to_vote(self):
        before = float(self.done("token", "balance")["balance_vcai"])
        self.assertGreater(before, 2000)

        self.assertEqual(self.done("lock", "create", "1500", "--weeks", "20")["locked_vcai"], "1500")
        self.assertEqual(self.done("lock", "add", "0.5")["locked_vcai"], "1500.5")
        self.done("lock", "extend", "--weeks", "100")
        lock = self.done("lock", "show")
        self.assertEqual(lock["locked_vcai"], "1500.5")
        self.assertEqual(lock["share_of_votes"], "100.00 %")
        self.assertEqual(float(self.done("token", "balance")["balance_vcai"]), before - 1500.5)

        code, message = self.refused("lock", "extend", "--weeks", "3")
        self.assertEqual(code, 5)
        self.assertIn("EndWeekOutOfRange", message)
        code, message = self.refused("lock", "withdraw")
        self.assertEqual(code, 5)
        self.assertIn("StillLocked", message)
        code, message = self.refused("lock", "create", "1", "--weeks", "3")
        self.assertEqual(code, 5)
        self.assertIn("has a lock already", message)
        self.votes_on_a_proposal()

    def votes_on_a_proposal(self):
        """The keepers of the network open, queue and execute it; a second keeper of ours does no harm."""
        keys = self.net.state / "keys"
        keeper = subprocess.Popen(
            [VCITY, "keeper", "run", "--state", self.net.state / "second-keeper", "--rpc", self.net.facts["rpc"],
             "--deployment", self.net.state / "deployment.json", "--keystore", keys / "guardian.json",
             "--password-file", keys / "password", "--poll-seconds", "1"],
            stderr=subprocess.DEVNULL)
        self.addCleanup(keeper.wait)
        self.addCleanup(keeper.terminate)
        made = self.done("gov", "propose", "Keep five dollars\n\nFor victims.", "--call",
                         "Treasury.setParameters [5000000]")
        short = made["id"][:12]
        state = lambda: self.done("gov", "show", short)["state"]  # noqa: E731
        self.assertIn(state(), ("discussion", "openable", "voting"))
        wait_for(lambda: state() == "voting", "the vote is opened", 90)
        self.assertGreater(float(self.done("gov", "vote", short, "for")["weight"]), 0)
        code, message = self.refused("gov", "vote", short, "against")
        self.assertEqual(code, 5)
        self.assertIn("voted", message.lower())
        wait_for(lambda: state() == "executed", "the proposal is carried out", 120)
        listed = self.done("gov", "list")
        self.assertEqual([one["title"] for one in listed], ["Keep five dollars"])
        self.assertIsNone(keeper.poll())

    def test_tells_what_is_on_chain(self):
        allocation = self.done("token", "allocation")
        supply = sum(float(tranche["vcai"]) for tranche in allocation)
        self.assertEqual(supply, 9_970_000_000, "all of the supply but the share of the Genesis NFTs")
        requirement = self.done("stake", "requirement")
        self.assertEqual([row["role"] for row in requirement], ["compute", "scheduler", "verifier"])
        stake = wait_for(lambda: self.run_vcity("stake", "show", self.address_of("node-1"))[1],
                         "the node is registered")
        self.assertTrue(stake["active"])
        self.assertGreaterEqual(float(stake["stake_vcai"]), float(stake["enforced_now_vcai"]))
        self.assertEqual([row["kind"] for row in self.done("rewards", "show")], ["poc", "pod", "fee-tier", "rebate"])
        self.assertIn("held_usd", self.done("treasury", "show"))
        self.assertEqual(len(self.done("lock", "simulate", "100", "--weeks", "52")), 5)

    def test_refuses_with_a_reason(self):
        self.assertEqual(self.refused("stake", "show")[0], 3)
        self.assertEqual(self.refused("stake", "case", "77")[0], 3)
        self.assertEqual(self.refused("gov", "show", "0x1234")[0], 3)
        self.assertEqual(self.refused("token", "claim")[0], 3)
        self.assertEqual(self.refused("token", "transfer", "0x00", "1")[0], 2)
        code, message = self.refused("treasury", "buyback")
        self.assertEqual(code, 5)
        self.assertTrue(message.startswith("reverted"), message)


class CourtCli(CliTest):
    def test_a_case_from_accusation_to_its_end_after_a_lost_appeal(self):
        node, victim = self.address_of("node-1"), self.address_of("guardian")
        wait_for(lambda: self.run_vcity("stake", "show", node)[1], "the node is registered")
        self.done("lock", "create", "1500", "--weeks", "50")
        before = float(self.done("token", "balance", victim)["balance_vcai"])
        # A committee has seconds here; a round that was missed is followed by another.
        case = self.done("stake", "accuse", node, "--evidence", "0x" + "ab" * 32, "--loss", "1.5", "--victim",
                         victim)["case"]
        terms = ("--tier", "medium", "--loss", "1")
        keystore = ("--keystore", str(self.net.state / "keys" / "verifier.json"))
        signed = wait_for(lambda: self.run_vcity("stake", "sign", case, *terms, *keystore)[1], "a committee is drawn")
        self.assertEqual(self.refused("stake", "sign", case, *terms)[0], 4, "the client is in no committee")
        self.done("stake", "rule", case, *terms, "--signature", signed["signature"])

        ruled = self.done("stake", "case", case)
        self.assertEqual((ruled["state"], ruled["tier"], ruled["loss_usd"]), ("ruled", "medium", "1.000000"))
        standing = self.done("stake", "show", node)
        self.assertFalse(standing["active"])
        self.assertEqual(standing["held_by_court_vcai"], ruled["held_stake_vcai"])

        proposal = self.done("stake", "appeal", case)["proposal"]
        self.assertEqual(self.refused("stake", "appeal", case)[0], 5)
        wait_for(lambda: self.done("stake", "case", case)["state"] == "executed", "keepers end the case", 120)
        self.assertEqual(self.done("gov", "show", proposal)["state"], "defeated")
        paid = self.done("token", "balance", victim)
        self.assertGreater(float(paid["stablecoin_usd"]) + float(paid["balance_vcai"]), before)


if __name__ == "__main__":
    unittest.main()
