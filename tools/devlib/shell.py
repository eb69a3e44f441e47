# SPDX-License-Identifier: Apache-2.0
"""Running programs: every command is printed before it runs, and a failure stops with its name."""
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


class Failed(Exception):
    """A step that failed; the message says which command."""


SHOWN_WORDS = 12


def run(command, cwd=ROOT, quiet=False, env=None, capture=False):
    words = [str(word) for word in command]
    if not quiet:
        print("+", shlex.join(words), flush=True)
    result = subprocess.run(words, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                            stdout=subprocess.PIPE if capture else None)
    if result.returncode != 0:
        if capture:
            sys.stdout.write(result.stdout)
        # A list of a thousand files hides the error that stands above it.
        shown = shlex.join(words) if len(words) <= SHOWN_WORDS else shlex.join(words[:SHOWN_WORDS]) + " ..."
        raise Failed(f"{shown} ended with {result.returncode}")
    return result.stdout if capture else ""


def as_root(command):
    return command if os.geteuid() == 0 else ["sudo", *command]


def jobs():
    return len(os.sched_getaffinity(0))


class Step:
    """Times one step and says how it went: `with Step("build"): ...`."""

    taken = []

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        print(f"\n=== {self.name}", flush=True)
        self.start = time.monotonic()

    def __exit__(self, kind, value, trace):
        seconds = time.monotonic() - self.start
        Step.taken.append((self.name, seconds, kind is None))
        print(f"=== {self.name}: {'done' if kind is None else 'FAILED'} after {seconds:.0f} s", flush=True)
