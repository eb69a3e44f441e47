#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a machine whose disk holds the SQLite store, again and again, and looks for what it lost.

The disk is a memory file behind a loop device with ext4 on it. A program commits to a store there and writes each
acknowledged commit to a file outside. At a random moment the memory file is sealed: from then on no write reaches it,
in the middle of whatever the program, SQLite, ext4 and the block layer were doing. What it holds then is copied to a
new disk, which is mounted (ext4 replays its journal) and checked by opening the store with the same adapter. Every
acknowledged commit must be there and whole, and nothing else. The next cut goes on from that disk, so that a store
lives through many cuts; every twentieth begins with an empty one.

The same is done with a program whose flushes do nothing. It must lose commits: if it does not, this test proves nothing
and says so.

Not modelled: a disk that has a cache of its own and reorders what is in it. This one has every block that the kernel
wrote to it.
"""
import argparse
import fcntl
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

DISK_BYTES = 96 << 20
CUTS_OF_ONE_DISK = 20
CUT_SECONDS_MAX = 0.4
CANNOT_RUN = 77
PRIVATE_MOUNTS = "VCITY_POWER_CUT_PRIVATE_MOUNTS"


class Lost(Exception):
    """What a cut took that was acknowledged, or a store that does not open."""


def why_not():
    """The reason that this machine cannot run the test, if there is one."""
    if os.geteuid() != 0:
        return "mounting a disk needs root"
    if not hasattr(os, "memfd_create"):
        return "this kernel or Python has no memory files"
    missing = [name for name in ("mkfs.ext4", "e2fsck", "losetup", "mount", "umount", "unshare")
               if shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") is None]
    if missing:
        return "these programs are missing: " + ", ".join(missing)
    found = subprocess.run(["losetup", "--find"], text=True, capture_output=True)
    return f"no loop device: {found.stderr.strip()}" if found.returncode != 0 else None


def run(*words):
    result = subprocess.run([str(word) for word in words], text=True, capture_output=True)
    if result.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {result.returncode}: {result.stdout}{result.stderr}")


class Disk:
    """A disk in memory, as it was left by its predecessor or new."""

    def __init__(self, predecessor=None):
        self.descriptor = os.memfd_create("disk", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.path = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        os.ftruncate(self.descriptor, DISK_BYTES)
        if predecessor is None:
            run("mkfs.ext4", "-q", "-F", self.path)
            return
        position = 0
        while position < DISK_BYTES:
            position += os.sendfile(self.descriptor, predecessor.descriptor, position, DISK_BYTES - position)

    def cut_power(self):
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)

    def close(self):
        os.close(self.descriptor)


class Mounted:
    def __init__(self, disk, folder):
        self.disk, self.folder = disk, folder

    def __enter__(self):
        run("mount", "-t", "ext4", "-o", "loop", self.disk.path, self.folder)
        return self.folder / "role.db"

    def __exit__(self, kind, value, trace):
        for _ in range(100):
            if subprocess.run(["umount", self.folder], capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"cannot unmount {self.folder}")


def read_commits(text):
    """The last whole line of every writer."""
    last = {}
    for line in text.split("\n")[:-1]:
        writer, number = line.split()
        last[writer] = int(number)
    return last


class Trial:
    """Cuts of one program."""

    def __init__(self, program, is_flushing, folder, chance):
        self.program, self.is_flushing, self.folder, self.chance = program, is_flushing, folder, chance
        (folder / "mount").mkdir(exist_ok=True)

    def write_until_cut(self, disk):
        """What was acknowledged before the cut, and whatever was acknowledged after it."""
        told = self.folder / "acknowledged"
        with Mounted(disk, self.folder / "mount") as path, open(told, "wb") as output:
            writer = subprocess.Popen([self.program, "write", path], stdout=output, stderr=subprocess.DEVNULL)
            time.sleep(self.chance.uniform(0, CUT_SECONDS_MAX))
            before = told.read_text()
            disk.cut_power()
            # It meets errors soon and ends; a program that does not flush would never notice.
            try:
                writer.wait(0.2)
            except subprocess.TimeoutExpired:
                writer.kill()
                writer.wait()
        return read_commits(before), read_commits(told.read_text())

    def read_after(self, disk):
        with Mounted(disk, self.folder / "mount") as path:
            result = subprocess.run([self.program, "check", path], text=True, capture_output=True, timeout=60)
        if result.returncode != 0:
            raise Lost("the store does not open or is not whole: " + result.stderr.strip())
        run("e2fsck", "-fn", disk.path)
        return read_commits(result.stdout)

    def cut(self, disk):
        """The disk after one cut, and how many commits had been acknowledged; Lost when one of them is not there."""
        before, after = self.write_until_cut(disk)
        successor = Disk(disk)
        disk.close()
        found = self.read_after(successor)
        lost = {writer: (number, found.get(writer, 0)) for writer, number in before.items()
                if found.get(writer, 0) < number}
        # An acknowledgement after the cut would be a lie too, unless its commit was on the disk already.
        late = {writer: (number, found.get(writer, 0)) for writer, number in after.items()
                if found.get(writer, 0) < number}
        lost = lost or (late if self.is_flushing else {})
        if lost:
            short = sum(number - there for number, there in lost.values())
            raise Lost(f"{short} acknowledged commits are not there: "
                       + ", ".join(f"writer {writer} told {number}, found {there}"
                                   for writer, (number, there) in lost.items()))
        return successor, sum(before.values())


def must_hold(trial, cuts, say):
    """Runs all cuts; the number of commits that were acknowledged and found again."""
    disk, commits, of_disk = None, 0, 0
    for number in range(cuts):
        if number % CUTS_OF_ONE_DISK == 0:
            if disk:
                disk.close()
            commits, of_disk, disk = commits + of_disk, 0, Disk()
        disk, counted = trial.cut(disk)
        of_disk = max(of_disk, counted)
        if (number + 1) % 100 == 0:
            say(f"{number + 1} cuts, {commits + of_disk} acknowledged commits, none lost")
    disk.close()
    return commits + of_disk


def must_fail(trial, cuts):
    """How many of the cuts lost something."""
    failed, example = 0, ""
    for _ in range(cuts):
        try:
            trial.cut(Disk())
        except Lost as loss:
            failed, example = failed + 1, str(loss)
    return failed, example


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder of the two programs")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--control-cuts", type=int, default=10)
    parser.add_argument("--seed", type=int, help="of the moments; what the machine does at them differs every time")
    args = parser.parse_args()
    reason = why_not()
    if reason:
        print(f"power cuts were NOT tested: {reason}", flush=True)
        return CANNOT_RUN
    if PRIVATE_MOUNTS not in os.environ:
        # Mounts of this process alone: they go when it does, however it ends.
        os.environ[PRIVATE_MOUNTS] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    seed = args.seed if args.seed is not None else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vcity-power-") as name:
        folder, chance = pathlib.Path(name), random.Random(seed)
        control = Trial(args.programs / "power_cut_store_unflushed", False, folder, chance)
        failed, example = must_fail(control, args.control_cuts)
        if failed == 0:
            print("this test proves nothing here: a program that never flushes lost nothing either", flush=True)
            return 1
        print(f"control without flushes: {failed} of {args.control_cuts} cuts lost something, such as: {example}",
              flush=True)
        try:
            trial = Trial(args.programs / "power_cut_store", True, folder, chance)
            commits = must_hold(trial, args.cuts, lambda text: print(text, flush=True))
        except Lost as loss:
            print(f"FAILED: {loss}", flush=True)
            return 1
        if commits == 0:
            print("this test proves nothing here: nothing was acknowledged before a cut", flush=True)
            return 1
    print(json.dumps({"cuts": args.cuts, "acknowledged_commits": commits, "acknowledged_commits_lost": 0,
                      "control_cuts": args.control_cuts, "control_cuts_that_lost": failed,
                      "seconds": round(time.monotonic() - began)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
