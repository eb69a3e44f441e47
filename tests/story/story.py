#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole story of the trust layer on a real chain, told by one command:

    tools/dev story                    # on anvil
    tools/dev story --chain posnet     # on four proof-of-stake nodes, one of which is killed half way

register -> job -> settle -> fee -> lock -> buyback -> claim -> accusation -> slash -> appeal -> vote -> compensation ->
proposal -> issuance -> repricing -> agent minted, sold and called. Every step checks what it says on chain and prints
one line; the first thing that is not as it should be ends the story with an error.
"""
import argparse
import contextlib
import hashlib
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(HERE), str(HERE.parent / "posnet")]
from chain import Reverted  # noqa: E402
from network import StoryNetwork, struct_type  # noqa: E402

VCAI = 10**18
USD = 10**6
ZERO32 = "0x" + "00" * 32
BIG_TASK = 45_000_000 * USD  # its fee is what one quota of issuance needs
LOCKED = 505_000_000 * VCAI
LOSS = 3 * USD
(DISCUSSION, OPENABLE, VOTING, SUCCEEDED, QUEUED, EXECUTABLE, EXECUTED, DEFEATED, EXPIRED, CANCELLED) = range(10)
MEDIUM = 2
TASK = 0
FOR, AGAINST = 1, 0


class Story:
    def __init__(self, net, kill=None):
        self.net, self.chain, self.kill = net, net.chain, kill
        self.at = net.contracts()
        self.began = time.monotonic()
        self.holder, self.developer, self.buyer = (net.new_key(name) for name in ("holder", "developer", "buyer"))
        self.scheduler, self.client, self.foundation = map(net.account, ("scheduler", "client", "foundation"))

    # --- small words

    def say(self, chapter, text):
        print(f"{time.monotonic() - self.began:6.0f} s  {chapter:<12} {text}", flush=True)

    def check(self, condition, what):
        if not condition:
            raise AssertionError(what)

    def get(self, contract, signature, *arguments, sender=None):
        return self.chain.call(self.at[contract], signature, *arguments, sender=sender)

    def do(self, account, contract, signature, *arguments):
        return self.chain.send(account, self.at[contract], signature, *arguments)

    def vcai_of(self, address):
        return self.get("VCAIToken", "balanceOf(address)(uint256)", address)

    def wealth(self, account):
        escrowed = self.get("Escrow", "available(address)(uint128)", account.address)
        return self.usd_of(account.address) + escrowed

    def usd_of(self, address):
        return self.get("Stable", "balanceOf(address)(uint256)", address)

    def mint_usd(self, account, amount):
        self.do(account, "Stable", "mint(address,uint256)", account.address, amount)

    def see_done(self, account, contract, signature, *arguments):
        """A step that anyone may take and a keeper may take first: the loser's transaction reverts, and that is all
        right as long as what follows shows that the step was taken."""
        with contextlib.suppress(Reverted):
            self.do(account, contract, signature, *arguments)

    def approve(self, account, token, spender, amount):
        self.do(account, token, "approve(address,uint256)", self.at[spender], amount)

    def give_coins(self):
        for account in (self.holder, self.developer, self.buyer, self.client, self.foundation):
            self.net.give_coins(account.address)

    def wait_state(self, proposal, wanted, what):
        def state():
            return self.get("VCAIGovernor", "state(uint256)(uint8)", proposal)

        deadline = time.monotonic() + 300
        while (now := state()) not in wanted:
            self.check(time.monotonic() < deadline, f"{what}: the proposal stays in state {now}")
            time.sleep(0.5)
        return now

    # --- chapters

    def register(self):
        nodes = self.net.node_addresses()
        for node in nodes:
            self.check(self.get("NodeRegistry", "isActive(address,uint8)(bool)", node, 0), f"node {node} is not active")
        stake = sum(self.get("NodeRegistry", "stakeOf(address)(uint128,uint128)", node)[0] for node in nodes)
        self.say("register", f"{len(nodes)} nodes are registered with {stake / VCAI:,.0f} VCAI at stake")

    def job(self):
        done = self.net.chat("What is free software?")
        self.say("job", f"{done['usage']['completion_tokens']} tokens by {done['node']} for {done['cost']} USD")
        self.check(done["state"] == "settled", done)
        self.say("settle", f"batch {done['batch']['index']} in transaction {done['batch']['transaction'][:18]}...")

    def fee(self):
        fees = self.get("Treasury", "fees()(uint128)")
        self.check(fees > 0, "no fee reached the treasury")
        self.say("fee", f"{fees / USD:.6f} USD of network fees in the treasury")

    def big_task(self):
        """A large customer: a task for 45 million dollars, paid on acceptance."""
        payer, provider = self.buyer, self.scheduler
        self.mint_usd(payer, BIG_TASK)
        self.approve(payer, "Stable", "Escrow", BIG_TASK)
        self.do(payer, "Escrow", "deposit(address,uint128)", payer.address, BIG_TASK)
        now = self.chain.now()
        acceptance, month = 3600, 30 * 86_400
        terms = (TASK, payer.address, provider.address, provider.address, BIG_TASK, 0, 0, now, month, 1, acceptance,
                 now + month, ZERO32, 1)
        signature = struct_type("Agreement")
        digest = self.get("Agreements", f"digestOf({signature})(bytes32)", terms)
        agreement = self.get("Agreements", f"idOf({signature})(bytes32)", terms)
        self.do(payer, "Agreements", f"open({signature},bytes,bytes)", terms, "0x", provider.sign(digest))
        self.do(provider, "Agreements", "deliver(bytes32,bytes32)", agreement, "0x" + "11" * 32)
        self.do(payer, "Agreements", "accept(bytes32)", agreement)
        self.do(provider, "Agreements", "withdraw(address)", provider.address)
        net_fees = self.get("Treasury", "netFees()(uint256)")
        self.check(net_fees >= 2_000_000 * USD, f"net fees are only {net_fees}")
        self.say("fee", f"a task for 45,000,000 USD brings the net fees to {net_fees / USD:,.2f} USD")

    def lock(self):
        tranche, released = 4, 0
        while tranche < self.get("VestingVault", "trancheCount()(uint16)"):
            category, schedule, granted = self.get(
                "VestingVault", "trancheOf(uint16)(uint8,(uint96,uint96,uint40,uint8,uint8,uint8),uint256)", tranche)
            allocation = schedule[0]
            if category == 0 and granted < allocation:  # a private round that nobody has yet
                self.do(self.foundation, "VestingVault", "createGrant(uint16,address,uint256)", tranche,
                        self.holder.address, allocation - granted)
                grant = self.get("VestingVault", "grantIdOf(uint16,address)(uint256)", tranche, self.holder.address)
                self.do(self.holder, "VestingVault", "release(uint256)", grant)
                released += 1
            tranche += 1
        self.check(released > 0, "no private round is left to grant")
        freed = self.vcai_of(self.holder.address)
        self.check(freed >= LOCKED, f"only {freed} VCAI free at TGE")
        week = self.get("VeVCAI", "currentWeek()(uint256)") + 100
        self.approve(self.holder, "VCAIToken", "VeVCAI", LOCKED)
        self.do(self.holder, "VeVCAI", "lock(uint256,uint256)", LOCKED, week)
        weight = self.get("VeVCAI", "weightOf(address)(uint256)", self.holder.address)
        self.say("lock", f"{LOCKED / VCAI:,.0f} VCAI until week {week}: weight {weight / VCAI:,.2f}")

    def buyback(self):
        before = self.get("Treasury", "boughtBack()(uint128)")
        deadline = time.monotonic() + 240
        while (spent := self.get("Treasury", "boughtBack()(uint128)") - before) == 0:
            self.check(time.monotonic() < deadline, "nothing was bought back: does the keeper run?")
            time.sleep(1)
        self.say("buyback", f"the keeper bought VCAI for {spent / USD:,.2f} USD on the exchange")

    def claim(self):
        deadline = time.monotonic() + 120
        while self.get("VeVCAI", "claimable(address)(uint256)", self.holder.address) == 0:
            self.check(time.monotonic() < deadline, "no reward flows to the lock")
            time.sleep(1)
        before = self.vcai_of(self.holder.address)
        self.do(self.holder, "VeVCAI", "claim(address)", self.holder.address)
        gained = self.vcai_of(self.holder.address) - before
        self.check(gained > 0, "the claim paid nothing")
        self.say("claim", f"the lock earned {gained / VCAI:.6f} VCAI so far")

    def court_bonds(self):
        """What an accusation and an appeal cost."""
        fields = ("uint16", "uint16", "uint16", "uint8", "uint32", "uint32", "uint32", *["uint128"] * 4)
        parameters = self.get("SlashingCourt", f"parameters()(({','.join(fields)}))")
        return parameters[8], parameters[9]

    def slash(self):
        """A client accuses a node; a committee of verifiers upholds it; the stake is in escrow at once."""
        self.accused = self.net.node_addresses()[-1]
        bond = self.court_bonds()[0]
        self.do(self.holder, "VCAIToken", "transfer(address,uint256)", self.client.address, bond)
        self.approve(self.client, "VCAIToken", "SlashingCourt", bond)
        evidence = "0x" + hashlib.sha256(b"the node served other weights").hexdigest()
        accusation = (self.accused, self.client.address, self.client.address, LOSS, evidence, "ipfs://evidence")
        self.do(self.client, "SlashingCourt", "accuse((address,address,address,uint128,bytes32,string))", accusation)
        self.case = self.get("SlashingCourt", "caseCount()(uint256)")
        committee = self.net.seat_committee(self.at["SlashingCourt"], self.case, self.client)
        digest = self.get("SlashingCourt", "rulingDigest(uint256,uint8,uint128)(bytes32)", self.case, MEDIUM, LOSS)
        members = sorted(committee, key=lambda address: int(address, 16))
        signatures = [self.net.member(address).sign(digest) for address in members]
        self.do(self.client, "SlashingCourt", "submitVerdict(uint256,uint8,uint128,bytes[])", self.case, MEDIUM, LOSS,
                signatures)
        escrowed = self.get("SlashingCourt", "escrowedOf(address)(uint128)", self.accused)
        active = self.get("NodeRegistry", "isActive(address,uint8)(bool)", self.accused, 0)
        self.check(escrowed > 0 and not active, "the verdict had no effect")
        self.say("slash", f"case {self.case}: {escrowed / VCAI:,.2f} VCAI of {self.accused} in escrow, node suspended")

    def appeal(self):
        self.wealth_before = self.wealth(self.client)
        bond = self.court_bonds()[1]
        accused = self.net.member(self.accused)
        self.do(self.holder, "VCAIToken", "transfer(address,uint256)", self.accused, bond)
        self.approve(accused, "VCAIToken", "SlashingCourt", bond)
        self.do(accused, "SlashingCourt", "appeal(uint256)", self.case)
        proposal = self.get("SlashingCourt", "appealOf(uint256)(address,uint128,uint256)", self.case)[2]
        self.say("appeal", "the node appeals: the community votes")
        self.vote(proposal, AGAINST)
        self.check(self.wait_state(proposal, (DEFEATED,), "appeal") == DEFEATED, "the appeal was not defeated")
        self.say("appeal", "defeated: the penalty stands")

    def compensation(self):
        self.see_done(self.client, "SlashingCourt", "execute(uint256)", self.case)
        self.see_done(self.client, "SlashingCourt", "payOut(address)", self.client.address)
        gained = self.wealth(self.client) - self.wealth_before
        self.check(gained == LOSS, f"compensated {gained} instead of {LOSS}")
        self.say("compensate", f"the client got its {LOSS / USD:.2f} USD back, in full")

    def vote(self, proposal, support):
        self.wait_state(proposal, (OPENABLE, VOTING), "discussion")
        self.see_done(self.holder, "VCAIGovernor", "openVote(uint256)", proposal)
        self.do(self.holder, "VCAIGovernor", "castVote(uint256,uint8)", proposal, support)

    def govern(self):
        """One proposal: a strategic issuance and a split of two for one."""
        terms = (100_000, 6, 24, 0)  # 10 % at once, 6 months of cliff, 24 months linear
        grants = [(self.buyer.address, 1_000_000 * VCAI)]
        issue = self.chain.data(
            "issue(bytes32,string,(uint32,uint8,uint8,uint8),(address,uint256)[])",
            "0x" + b"partner one".hex().ljust(64, "0"), "compute for the next model", terms, grants)
        reprice = self.chain.data("reprice(uint256,uint256,uint256)", 2, 1, self.chain.now() + self.notice)
        calls = [(self.at["StrategicIssuance"], 0, issue), (self.at["Repricing"], 0, reprice)]
        receipt = self.do(self.holder, "VCAIGovernor", "propose((address,uint256,bytes)[],string)", calls,
                          "Issue one million VCAI to partner one; split two for one.")
        proposal = int(next(log for log in receipt["logs"] if log["address"].lower() ==
                            self.at["VCAIGovernor"].lower())["topics"][1], 16)
        self.say("proposal", "issuance and repricing are proposed")
        supply = self.get("VCAIToken", "totalSupply()(uint256)")
        self.vote(proposal, FOR)
        self.wait_state(proposal, (SUCCEEDED, QUEUED, EXECUTABLE, EXECUTED), "vote")
        self.see_done(self.holder, "VCAIGovernor", "queue(uint256)", proposal)
        self.wait_state(proposal, (EXECUTABLE, EXECUTED), "timelock")
        self.see_done(self.holder, "VCAIGovernor", "execute(uint256)", proposal)
        self.wait_state(proposal, (EXECUTED,), "execution")
        grown = self.get("VCAIToken", "totalSupply()(uint256)") - supply
        self.check(grown == 1_000_000 * VCAI, f"the supply grew by {grown}")
        self.say("issuance", "1,000,000 VCAI for the partner, locked under the proposal's terms")
        held = self.vcai_of(self.holder.address)
        deadline = time.monotonic() + 240
        while self.get("VCAIToken", "uiMultiplier()(uint256)") != 2 * VCAI:
            self.check(time.monotonic() < deadline, "the split did not take effect")
            time.sleep(1)
        self.check(self.vcai_of(self.holder.address) == held, "a split must not touch raw balances")
        self.say("repricing", "two for one: the same raw balances, shown twice as large")

    def agents(self):
        price, per_call = 250 * USD, USD // 100
        for account in (self.developer, self.buyer):
            self.mint_usd(account, 1_000 * USD)
        self.approve(self.developer, "Stable", "AgentNFT", 1_000 * USD)
        version = ("0x" + "22" * 32, "0x" + "33" * 32, ZERO32, "ipfs://agent")
        self.do(self.developer, "AgentNFT", "mint(address,uint16,uint16,(bytes32,bytes32,bytes32,string),uint256)",
                self.developer.address, 500, 1_000, version, 1_000 * USD)
        agent = self.get("AgentNFT", "totalMinted()(uint256)")
        self.do(self.developer, "AgentNFT", "approve(address,uint256)", self.at["AgentMarket"], agent)
        self.do(self.developer, "AgentMarket", "list(uint256,uint96,uint64)", agent, price, self.chain.now() + 86_400)
        nonce = self.get("AgentNFT", "stateNonce(uint256)(uint48)", agent)
        self.approve(self.buyer, "Stable", "AgentMarket", price)
        self.do(self.buyer, "AgentMarket", "buy(uint256,uint256,uint48)", agent, price, nonce)
        owner = self.get("AgentNFT", "ownerOf(uint256)(address)", agent)
        self.check(owner.lower() == self.buyer.address.lower(), f"the agent belongs to {owner}")
        self.say("agent sale", f"agent {agent} is sold for {price / USD:,.2f} USD")
        self.do(self.buyer, "LicenseManager", "setTerms(uint256,(uint64,uint64,uint64))", agent, (0, 0, per_call))
        caller = self.developer
        self.approve(caller, "Stable", "LicenseManager", 10 * USD)
        self.do(caller, "LicenseManager", "buyCalls(uint256,uint32,uint256)", agent, 100, 10 * USD)
        may = self.get("LicenseManager", "mayCall(uint256,address)(bool)", agent, caller.address)
        self.check(may, "who paid may not call")
        digest = self.get("LicenseManager", "voucherDigest(uint256,address,uint64)(bytes32)", agent, caller.address, 40)
        self.do(self.buyer, "LicenseManager", "redeemCalls(uint256,address,uint64,bytes)", agent, caller.address, 40,
                caller.sign(digest))
        owed = self.get("RevenueSplitter", "owed(address)(uint256)", self.buyer.address)
        self.check(0 < owed < 40 * per_call, f"the holder's share of 40 calls is {owed}")
        self.say("agent call", f"40 calls paid {40 * per_call / USD:.2f} USD, the holder's share is {owed / USD:.4f}")

    def tell(self):
        self.give_coins()
        for chapter in (self.register, self.job, self.fee, self.lock, self.big_task, self.buyback, self.claim,
                        self.slash):
            chapter()
        if self.kill:
            self.say("kill -9", self.kill())
        for chapter in (self.appeal, self.compensation, self.govern, self.agents, self.job):
            chapter()
        self.say("the end", "every step was checked on chain")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chain", choices=["anvil", "posnet"], default="anvil")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a build with vcity and its worker")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    posnet = None
    if options.chain == "posnet":
        from posnet import PosNet

        posnet = PosNet(nodes=4)
    with StoryNetwork(options.build, posnet) as net:
        story = Story(net, kill=posnet and posnet.kill_last)
        story.notice = 240 if posnet else 60  # seconds until the split: longer than its proposal takes
        story.tell()


if __name__ == "__main__":
    main()
