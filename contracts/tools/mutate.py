#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation test of the contracts: would the tests notice if a line were wrong?

    tools/mutate.py --area token --area governance      # folders of src/
    tools/mutate.py --area settlement --count 60 --seed 7 --json out.json

Each mutant is one small change of one contract (an operator, a bound, a removed check, effect, event or modifier),
made in a copy of the project. It is killed when the area's tests fail (unit tests first, then, if it lived, the
invariants), invalid when it does not compile, and survived otherwise. The sample is drawn from the seed alone, evenly
over the contracts of an area by their number of possible mutants. Needs the packages of package.json.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_TIMEOUT = 600  # seconds for one run of forge
COPIED = ("foundry.toml", "tools", "src", "test", "script", "snapshots", "deployments")


@dataclass(frozen=True)
class Mutant:
    path: str  # below contracts/
    start: int
    end: int
    replacement: str
    operator: str

    def line(self, text):
        return text.count("\n", 0, self.start) + 1

    def apply(self, text):
        return text[: self.start] + self.replacement + text[self.end :]


def blank_comments(text):
    """The text with comments and string contents replaced by spaces, so that offsets stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def code_spans(text):
    """Offsets of function, modifier and constructor bodies: what runs. Declarations are not mutated."""
    spans = []
    for match in re.finditer(r"\b(function|constructor|modifier)\b[^;{}]*\{", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        spans.append((match.end(), at - 1))
    return spans


SWAPS = [
    (r"(?<![<>=!])<=(?!=)", ["<"], "bound"),
    (r"(?<![<>=!])>=(?!=)", [">"], "bound"),
    (r"(?<![<>=!])<(?![<=])", ["<=", ">="], "relation"),
    (r"(?<![<>=!-])>(?![>=])", [">=", "<="], "relation"),
    (r"==", ["!="], "equality"),
    (r"!=", ["=="], "equality"),
    (r"&&", ["||"], "logic"),
    (r"\|\|", ["&&"], "logic"),
    (r"\+=", ["-="], "arithmetic"),
    (r"-=", ["+="], "arithmetic"),
    (r"(?<=[\w)\]] )\+(?= [\w(])", ["-"], "arithmetic"),
    (r"(?<=[\w)\]] )-(?= [\w(])", ["+"], "arithmetic"),
    (r"(?<=[\w)\]] )\*(?= [\w(])", ["/"], "arithmetic"),
    (r"(?<=[\w)\]] )/(?= [\w(])", ["*"], "arithmetic"),
    (r"\btrue\b", ["false"], "constant"),
    (r"\bfalse\b", ["true"], "constant"),
    (r"(?<=if \()!(?=[\w(])", [""], "negation"),
    (r"(?<=return )!(?=[\w(])", [""], "negation"),
]
STATEMENTS = [
    (r"(?<=[;{}\n])\s*(if \((?:[^(){};]|\((?:[^(){};]|\([^(){};]*\))*\))*\) (?:revert [^;]*|\{\s*revert [^;]*;\s*\});?)",
     "removed check"),
    (r"(?<=[;{}\n])\s*(emit [^;]*;)", "removed event"),
    (r"(?<=[;{}\n])\s*(delete [^;]*;)", "removed effect"),
    (r"(?<=[;{}\n])\s*([a-zA-Z_][\w.\[\]()]* (?:=|\+=|-=) [^;{}]*;)", "removed effect"),
    (r"(?<=[;{}\n])\s*([a-z_][\w.\[\]()]*\((?:[^(){};]|\((?:[^(){};]|\([^(){};]*\))*\))*\);)", "removed call"),
]
MODIFIERS = r"(?<=[ )\n])(restricted|whenNotPaused|nonReentrant)(?=[ \n])"


def is_choice(code, at):
    """A comparison that only chooses the smaller or larger of two values: `<` and `<=` mean the same there."""
    statement = code[code.rfind(";", 0, at) + 1 : code.find(";", at)]
    match = re.search(r"([\w.\[\]()]+) [<>]=? ([\w.\[\]()]+) \? ([\w.\[\]()]+) : ([\w.\[\]()]+)", statement)
    return bool(match) and {match.group(1), match.group(2)} == {match.group(3), match.group(4)}


def mutants_of(path):
    text = (ROOT / path).read_text()
    code = blank_comments(text)
    found = []
    for begin, end in code_spans(code):
        for pattern, replacements, name in SWAPS:
            for match in re.finditer(pattern, code[begin:end]):
                start, stop = begin + match.start(), begin + match.end()
                for replacement in replacements:
                    bound_only = replacement.rstrip("=") == match.group(0).rstrip("=")
                    if bound_only and is_choice(code, start):
                        continue
                    found.append(Mutant(path, start, stop, replacement, name))
        for pattern, name in STATEMENTS:
            for match in re.finditer(pattern, code[begin:end]):
                found.append(Mutant(path, begin + match.start(1), begin + match.end(1), "", name))
    for match in re.finditer(r"\bfunction\b[^;{}]*\{", code):
        for modifier in re.finditer(MODIFIERS, match.group(0)):
            start = match.start() + modifier.start(1)
            found.append(Mutant(path, start, start + len(modifier.group(1)), "", "removed modifier"))
    return sorted(set(found), key=lambda mutant: (mutant.start, mutant.end, mutant.replacement))


class Workspace:
    """A copy of the project in which one mutant at a time is compiled and tested."""

    def __init__(self, folder, area):
        self.root = pathlib.Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.root / name)
            elif source.exists():
                shutil.copy2(source, self.root / name)
        (self.root / "node_modules").symlink_to(ROOT / "node_modules")
        self.env = dict(
            os.environ,
            FOUNDRY_SRC=f"src/{area}",
            FOUNDRY_TEST=f"test/{area}",
            FOUNDRY_INVARIANT_RUNS="12",
            FOUNDRY_FUZZ_RUNS="128",
        )

    def forge(self, *arguments, linking=True):
        forge = ROOT / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
        command = [str(forge), *arguments]
        env = self.env | {"FOUNDRY_DYNAMIC_TEST_LINKING": "true" if linking else "false"}
        if not linking:
            env |= {"FOUNDRY_OUT": "out-plain", "FOUNDRY_CACHE_PATH": "cache-plain"}
        try:
            done = subprocess.run(
                command, cwd=self.root, env=env, capture_output=True, text=True, timeout=TEST_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return 124, "timed out"
        return done.returncode, done.stdout + done.stderr

    def verdict(self):
        # The compiler speaks before any test runs; an endless loop of a mutant counts as noticed.
        code, output = self.forge("test", "--fail-fast", "--no-match-contract", "Invariant")
        if "Compiler run failed" in output or "Compilation failed" in output:
            return "invalid"
        if code != 0:
            return "killed"
        code, _ = self.forge("test", "--fail-fast", "--match-contract", "Invariant")
        if code != 0:
            return "killed"
        # Dynamic linking is what makes a mutant quick to compile, but a creation that is expected to revert ends its
        # test there: only a survivor of the plainly linked tests has survived.
        code, _ = self.forge("test", "--fail-fast", linking=False)
        return "killed" if code != 0 else "survived"

    def try_mutant(self, mutant):
        file = self.root / mutant.path
        original = file.read_text()
        try:
            file.write_text(mutant.apply(original))
            return self.verdict()
        finally:
            file.write_text(original)


def sample(area, count, seed, only):
    files = sorted((ROOT / "src" / area).glob("*.sol"))
    files = [file for file in files if not only or file.stem in only]
    pool = [mutant for file in files for mutant in mutants_of(str(file.relative_to(ROOT)))]
    chosen = random.Random(f"{seed} {area}").sample(pool, min(count, len(pool)))
    return sorted(chosen, key=lambda mutant: (mutant.path, mutant.start)), len(pool)


def run_share(area, share, report):
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(folder, area)
        code, output = workspace.forge("test")
        if code != 0:
            sys.exit(f"{area}: the tests fail without any mutation:\n{output[-3000:]}")
        for mutant in share:
            began = time.monotonic()
            report(mutant, workspace.try_mutant(mutant), time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--area", action="append", required=True, help="a folder of src/; may be given several times")
    parser.add_argument("--contract", action="append", default=[], help="only this contract of the area")
    parser.add_argument("--count", type=int, default=50, help="mutants for each area")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args()
    results = []

    def report(mutant, verdict, seconds):
        text = (ROOT / mutant.path).read_text()
        before = " ".join(text[mutant.start : mutant.end].split())
        place = f"{mutant.path}:{mutant.line(text)}"
        results.append({"place": place, "operator": mutant.operator, "before": before,
                        "after": mutant.replacement, "verdict": verdict})
        print(f"{verdict:<9} {seconds:5.1f} s  {place}  {mutant.operator}: {before[:70]!r} -> {mutant.replacement!r}",
              flush=True)

    for area in options.area:
        chosen, possible = sample(area, options.count, options.seed, options.contract)
        print(f"{area}: {len(chosen)} of {possible} possible mutants, seed {options.seed}", flush=True)
        shares = [chosen[index :: options.jobs] for index in range(options.jobs)]
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(lambda share, area=area: run_share(area, share, report), shares))
    killed = sum(result["verdict"] == "killed" for result in results)
    valid = sum(result["verdict"] != "invalid" for result in results)
    print(f"{killed} of {valid} mutants killed ({100 * killed / max(valid, 1):.1f} %), "
          f"{len(results) - valid} did not compile")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


main()
