# SPDX-License-Identifier: Apache-2.0
"""Installs what building and testing need: Debian packages and locked npm packages. Does nothing when all is there."""
import hashlib
import shutil
import subprocess

from .shell import ROOT, Failed, as_root, run


def wanted_packages():
    lines = (ROOT / "tools/packages.txt").read_text().splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    # A Node.js of 18 or later that is already there, from wherever, is good enough.
    if shutil.which("node") is None or shutil.which("npm") is None:
        names += ["nodejs", "npm"]
    return names


def missing_packages():
    names = wanted_packages()
    listing = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names], text=True,
                             capture_output=True).stdout
    present = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    # nginx comes in several flavours; any of them serves.
    if shutil.which("nginx"):
        present.add("nginx-light")
    return [name for name in names if name not in present]


def install_packages():
    missing = missing_packages()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Failed("this machine has no apt-get; install the packages of tools/packages.txt by hand")
    run(as_root(["apt-get", "update", "-qq"]))
    run(as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq",
                 "--no-install-recommends", *missing]))


# Large, and wanted by a command that is run by hand: that command installs it.
ON_DEMAND = ("tests/posnet/",)


def npm_folders():
    locks = (lock for lock in ROOT.glob("**/package-lock.json") if "node_modules" not in lock.parts)
    return sorted(lock.parent for lock in locks if not str(lock.relative_to(ROOT)).startswith(ON_DEMAND))


def install_npm(folder):
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".vcity-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest)


def setup(folders=None):
    install_packages()
    for folder in npm_folders() if folders is None else [ROOT / name for name in folders]:
        install_npm(folder)
