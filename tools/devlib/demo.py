# SPDX-License-Identifier: Apache-2.0
"""`make demo`: from a fresh machine to a verified, paid model call, and a table that shows every step of it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from .build import build
from .devnet import Devnet
from .setup import setup
from .shell import BUILD, ROOT, Failed, Step, run

QUESTION = "What is free software?"
STATE = ROOT / ".vcity" / "demo"
SETTLED_SECONDS = 60
CLAIMED_SECONDS = 60


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
    """Earnings leave the contract after the challenge window; the keeper claims them for the node."""
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


def print_job(job, accounts):
    receipt, verdict, batch = job["receipt"], job["verdict"], job["batch"]
    name = next(row["name"] for row in accounts if row["address"].lower() == job["node"].lower())
    print("\nWhat happened")
    print_rows([
        ("node", f"{name} ({job['node']})"),
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
    print_job(job, after["accounts"])
    print_balances(before, after)
    print_checks(net.vcity("receipt", "verify", job_id))


def forget_old_network():
    """A demonstration of an earlier release left contracts that the present programs cannot use."""
    deployment = STATE / "deployment.json"
    if deployment.exists() and "contracts" not in json.loads(deployment.read_text()):
        print("The demonstration network of an earlier release is replaced.")
        shutil.rmtree(STATE)


def demo(keep=False):
    with Step("install what is missing"):
        setup(["contracts", "tests/e2e/openai", "web"])
    with Step("build"):
        build("release", ["vcity", "vcity-worker", "vcity-init"])
    with Step("build the web page"):
        run(["npm", "--silent", "run", "build"], cwd=ROOT / "web")
    forget_old_network()
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
