#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coverage of the contracts by their tests: a table by contract; fails when one has less than 95 % of its branches.

    tools/coverage.py [--area token] [--minimum 95]

Measured with the optimizer off, as forge does it, over unit, fuzz and invariant tests. Interfaces and test helpers are
left out.
"""
import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORGE = ROOT / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"


def measure(area):
    report = ROOT / "cache/coverage" / f"{area or 'all'}.info"
    report.parent.mkdir(parents=True, exist_ok=True)
    # The deployment's tests read JSON by the names of structs, which instrumented sources have twice.
    command = [str(FORGE), "coverage", "--report", "lcov", "--report-file", str(report),
               "--no-match-path", "test/Deployment.t.sol"]
    env = dict(os.environ, FOUNDRY_INVARIANT_RUNS="8", FOUNDRY_FUZZ_RUNS="64")
    if area:
        env |= {"FOUNDRY_SRC": f"src/{area}", "FOUNDRY_TEST": f"test/{area}"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit((done.stdout + done.stderr)[-4000:])
    return report.read_text()


def parse(lcov):
    rows, row = [], {}
    for line in lcov.splitlines():
        key, _, value = line.partition(":")
        if key == "SF":
            row = {"file": value, "missed": []}
        elif key in ("LF", "LH", "BRF", "BRH"):
            row[key] = int(value)
        elif key == "BRDA":
            number, _, _, taken = value.split(",")
            if taken in ("-", "0"):
                row["missed"].append(int(number))
        elif line == "end_of_record" and row["file"].startswith("src/"):
            rows.append(row)
    return rows


def percent(part, whole):
    return 100.0 if whole == 0 else 100.0 * part / whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--area", help="a folder of src/; without it all of them together")
    parser.add_argument("--minimum", type=float, default=95)
    options = parser.parse_args()
    rows = [row for row in parse(measure(options.area)) if row["LF"] and "/interfaces/" not in row["file"]]
    if options.area:
        rows = [row for row in rows if f"/{options.area}/" in row["file"]]
    low = []
    print(f"{'contract':<45} {'lines':>9} {'branches':>9}  branches not taken at line")
    for row in sorted(rows, key=lambda row: row["file"]):
        branches = percent(row["BRH"], row["BRF"])
        print(f"{row['file']:<45} {percent(row['LH'], row['LF']):7.1f} % {branches:7.1f} %  "
              f"{', '.join(map(str, sorted(set(row['missed']))))}")
        if branches < options.minimum:
            low.append(row["file"])
    found, hit = sum(row["BRF"] for row in rows), sum(row["BRH"] for row in rows)
    print(f"{'all':<45} {percent(sum(r['LH'] for r in rows), sum(r['LF'] for r in rows)):7.1f} % "
          f"{percent(hit, found):7.1f} %  {hit} of {found} branches")
    if low:
        sys.exit(f"below {options.minimum:g} % of branches: {', '.join(low)}")


main()
