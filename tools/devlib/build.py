# SPDX-License-Identifier: Apache-2.0
"""Configuring, building and running the C++ tests of one preset."""
import re

from .shell import BUILD, ROOT, Failed, jobs, run

# Sanitizers slow programs down tenfold: whole-process tests run in the plain build only.
SLOW_LABELS = "integration|e2e"


def build(preset="dev", targets=(), options=()):
    folder = BUILD / preset
    if options or not (folder / "build.ninja").is_file():
        run(["cmake", "--preset", preset, "-Wno-dev", *options])
    run(["ninja", "-C", folder, "-j", jobs(), *targets])
    return folder


# So many failures of tests that share two cores with others may be the machine's; more are ours.
RETRIED_MAX = 2


def ctest(preset, filter_by=None, exclude_label=None, label=None, parallel=None, retry=False):
    """Runs the tests and returns how many passed. With retry, the few that fail are run again, alone, and named."""
    command = ["ctest", "--test-dir", BUILD / preset, "--output-on-failure", "--timeout", "600"]
    chosen = ["-j", parallel or jobs(), "--no-tests=error"]
    if filter_by:
        chosen += ["-R", filter_by]
    if label:
        chosen += ["-L", label]
    if exclude_label:
        chosen += ["-LE", exclude_label]
    log = BUILD / preset / "ctest.log"
    try:
        run_quietly([*command, *chosen], log)
    except Failed:
        failed = failed_tests(log)
        if not retry or not 1 <= len(failed) <= RETRIED_MAX:
            raise
        print_failures(preset)
        passed = passed_tests(log)
        print(f"\nRUN AGAIN, ALONE: {', '.join(failed)}", flush=True)
        run_quietly([*command, "-j", 1, "--rerun-failed"], log)
        print(f"PASSED ONLY WHEN RUN AGAIN, ALONE: {', '.join(failed)}; what failed stands above", flush=True)
        return passed + passed_tests(log)
    return passed_tests(log)


def run_quietly(command, log):
    # One line a test is too much to read; failures are printed in full.
    run([*command, "--quiet", "--output-log", log], capture=True)


def failed_tests(log):
    return re.findall(r"^\s+\d+ - (\S+) \(", log.read_text(errors="replace"), re.M)


def passed_tests(log):
    text = log.read_text(errors="replace")
    match = re.search(r"(\d+)% tests passed, (\d+) tests? failed out of (\d+)", text)
    if not match:
        raise Failed(f"ctest ran no test; {log} says why")
    print(match[0], flush=True)
    # A test that this machine cannot run is named, with its reason, and does not count as passed.
    skipped = re.findall(r"Test\s+#\d+: (\S+) .*\*\*\*Skipped", text)
    for name in skipped:
        print(f"NOT RUN: {name}; its output in {log} says why", flush=True)
    return int(match[3]) - int(match[2]) - len(skipped)


def print_failures(preset):
    log = BUILD / preset / "ctest.log"
    if log.is_file():
        print(log.read_text(errors="replace")[-20_000:])
