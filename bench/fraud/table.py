#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cheats of tests/fraud, src/capacity/testing and tests/scenarios and prints one table.

detection.<attack>          share of attempts caught by one audit, one capacity session, or in one simulated network
false_positives             honest answers and honest capacity sessions that were rejected
honest_answers, honest_capacity_sessions, honest_tier_a_nodes
                            how many of them there were
"""
import json
import re
import subprocess
import sys

# Cheats that only a whole network shows: the node's silence is judged by its deadline.
NETWORK = {
    "late opening": "ALateOpeningIsNoOpening",
    "refused opening": "WhoRefusesToOpenIsNotPaidAndGoesOnProbation",
    "silence in every audit": "SilenceInEveryAuditEndsInSuspension",
}


def lines_of(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=3600).stdout.decode().splitlines()


def computation(folder, trials, honest):
    for line in lines_of(f"{folder}/tests/fraud/laboratory_bench", str(trials), str(honest)):
        name, caught, count, meaning, reason = line.split("\t")
        yield name, int(caught), int(count), meaning, reason


def capacity(folder, trials, honest):
    for line in lines_of(f"{folder}/bench/capacity/capacity_bench", str(trials), str(honest)):
        match = re.match(r"(.*?) +(\d+)((?:  [^:]+: \d+)+)$", line)
        if not match:
            continue
        outcomes = {name: int(count) for name, count in re.findall(r"  ([^:]+): (\d+)", match[3])}
        count = int(match[2])
        reasons = ", ".join(name for name in outcomes if name != "accepted")
        yield match[1].strip(), count - outcomes.get("accepted", 0), count, reasons


def network(folder):
    for name, test in NETWORK.items():
        words = [f"{folder}/tests/scenarios/scenario_test", f"--gtest_filter=*.{test}"]
        result = subprocess.run(words, stdout=subprocess.PIPE, timeout=600)
        passed = result.returncode == 0 and b"[  PASSED  ] 1 test" in result.stdout
        yield name, int(passed), 1, "not paid; probation, then suspension"


def main():
    folder = sys.argv[1]
    numbers = [int(word) for word in sys.argv[2:] if word.isdigit()]
    trials, honest = (numbers + [20, 100][len(numbers):])[:2]
    figures, rows, false_positives = {}, [], 0
    for name, caught, count, meaning, reason in computation(folder, trials, honest):
        if name == "honest":
            figures["honest_answers"] = count
            false_positives += caught
        elif name == "tier_a.honest":
            figures["honest_tier_a_nodes"] = count
            false_positives += caught
        else:
            figures[f"detection.{name}"] = caught / max(count, 1)
            rows.append(("answer", meaning, caught, count, reason))
    for name, caught, count, reason in capacity(folder, max(trials, 1), honest * 20):
        if name == "honest":
            figures["honest_capacity_sessions"] = count
            false_positives += caught
        else:
            figures[f"detection.capacity.{re.sub(r'[^a-z0-9]+', '_', name.lower())}"] = caught / max(count, 1)
            rows.append(("capacity", name, caught, count, reason))
    for name, caught, count, reason in network(folder):
        figures[f"detection.{name.replace(' ', '_')}"] = caught / count
        rows.append(("network", name, caught, count, reason))
    figures["false_positives"] = false_positives
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"{'where':<10}{'cheat':<68}{'caught':>9}{'of':>7}  first reason")
    for where, meaning, caught, count, reason in rows:
        print(f"{where:<10}{meaning:<68}{caught:>9}{count:>7}  {reason}")
    print(f"\nhonest: {false_positives} rejected of {figures['honest_answers']} answers and "
          f"{figures['honest_capacity_sessions']} capacity sessions")


main()
