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


def ctest(preset, filter_by=None, exclude_label=None, label=None, parallel=None):
    """Runs the tests and returns how many passed."""
    command = ["ctest", "--test-dir", BUILD / preset, "--output-on-failure", "-j", parallel or jobs(),
               "--timeout", "600", "--no-tests=error"]
    if filter_by:
        command += ["-R", filter_by]
    if label:
        command += ["-L", label]
    if exclude_label:
        command += ["-LE", exclude_label]
    # One line a test is too much to read; failures are printed in full.
    output = run([*command, "--quiet", "--output-log", BUILD / preset / "ctest.log"], capture=True)
    log = (BUILD / preset / "ctest.log").read_text(errors="replace")
    match = re.search(r"(\d+)% tests passed, (\d+) tests? failed out of (\d+)", log)
    if not match:
        raise Failed("ctest ran no test:\n" + output)
    print(match[0], flush=True)
    # A test that this machine cannot run is named, with its reason, and does not count as passed.
    skipped = re.findall(r"Test\s+#\d+: (\S+) .*\*\*\*Skipped", log)
    for name in skipped:
        print(f"NOT RUN: {name}; its output in {BUILD / preset / 'ctest.log'} says why", flush=True)
    return int(match[3]) - int(match[2]) - len(skipped)


def print_failures(preset):
    log = BUILD / preset / "ctest.log"
    if log.is_file():
        print(log.read_text(errors="replace")[-20_000:])
