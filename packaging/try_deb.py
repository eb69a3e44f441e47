# SPDX-License-Identifier: Apache-2.0
"""try_deb.py PACKAGE BUILD_DIR [--work FOLDER]: installs the package into a clean Debian root and lives an owner's first
minutes in it: a development network outside, `vcity node join` inside, one paid job. Needs root and mmdebstrap."""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from devlib.devnet import Devnet  # noqa: E402
from devlib.shell import Failed  # noqa: E402

REGION = "clean-root"
PAID_SECONDS_MAX = 300
# A root of its own, not a chroot: the kernel makes no user namespaces inside a chroot.
ENTER = """
mount --bind "$1" "$1" && cd "$1" && mkdir -p .outside && mount -t proc proc proc && mount --rbind /dev dev &&
mount -t tmpfs tmpfs tmp && mount -t tmpfs tmpfs run && pivot_root . .outside && shift && exec "$@"
"""


def inside(root, *words):
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter", str(root), *map(str, words)]


def check(root, *words):
    result = subprocess.run(inside(root, *words), text=True, capture_output=True)
    if result.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))} ended with {result.returncode}: {result.stdout}{result.stderr}")
    print(f"ok  {' '.join(map(str, words))}", flush=True)
    return result.stdout


def make_root(package, root):
    subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--include=ca-certificates",
                    f"--customize-hook=upload {package} /vcity.deb",
                    '--customize-hook=chroot "$1" apt-get install -y -qq --no-install-recommends /vcity.deb gocryptfs fuse3',
                    "--customize-hook=rm \"$1\"/vcity.deb", "bookworm", str(root)], check=True,
                   stdout=subprocess.DEVNULL)


def look_around(root):
    check(root, "vcity", "--version")
    check(root, "vcity-worker", "--version")
    check(root, "sh", "-c", "getent passwd vcity && test -d /var/lib/vcity && stat -c %U /var/lib/vcity | grep -qx vcity")
    check(root, "sh", "-c", "zcat /usr/share/man/man1/vcity.1.gz | grep -q 'node join'")
    check(root, "sh", "-c", "test -s /lib/systemd/system/vcity-node.service && ldd /usr/bin/vcity /usr/bin/vcity-worker | "
          "{ ! grep 'not found'; }")
    check(root, "bash", "-n", "/usr/share/bash-completion/completions/vcity")
    # As the service runs it: its own user, no privileges and none to be had. The sandbox must start all the same.
    report = json.loads(check(root, "setpriv", "--reuid", "vcity", "--regid", "vcity", "--clear-groups",
                              "--no-new-privs", "--bounding-set=-all", "env", "HOME=/var/lib/vcity", "vcity", "node", "doctor",
                              "--json"))
    failed = [one["id"] for one in report["checks"] if one["status"] == "fail"]
    if failed:
        raise Failed(f"not healthy in a clean root: {failed}")
    plain = [one for one in report["checks"] if one["id"] == "volumes" and one["status"] != "pass"]
    if plain:
        raise Failed(f"files of jobs would not be encrypted: {plain[0]['summary']}")


def request(net, path, body=None):
    key = pathlib.Path(net.facts["api_key_file"]).read_text().strip()
    question = urllib.request.Request(net.facts["gateway"] + path, data=json.dumps(body).encode() if body else None,
                                      headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    with urllib.request.urlopen(question, timeout=30) as answer:
        return json.load(answer)


def wait_for(condition, what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            value = condition()
        except (OSError, ValueError, Failed):
            value = None
        if value:
            return value
        time.sleep(0.2)
    raise Failed(f"not within {seconds} s: {what}")


JOIN = ["node", "join", "--yes", "--region", REGION, "--unit-cores", "1", "--unit-memory-mib", "512", "--unit-price", "2",
        "--funder-keystore", "/etc/vcity/deployer.json", "--funder-password-file", "/etc/vcity/password", "--run"]


def first_paid_job(net, settings, command, state):
    """Seconds from the first command to the payout on chain. `settings` is /etc/vcity for the node that `command` starts,
    `state` its folder."""
    for name in ("devnet.json", "deployment.json"):
        shutil.copy(net.state / name, settings / name.replace("devnet", "network"))
    for name in ("deployer.json", "password"):
        shutil.copy(net.state / "keys" / name, settings / name)
    for path in settings.iterdir():
        path.chmod(0o644)  # of a network that lives for a minute; the node is not always root
    began = time.monotonic()
    with open(net.state / "inside.log", "w", encoding="utf-8") as log:
        node = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        query = f"/v1/offers?q=num_gpus%3D0%20geolocation%3D{REGION}"
        wait_for(lambda: request(net, query)["data"], f"the node's offer; {net.state}/inside.log", 60)
        job = request(net, "/v1/jobs", {"budget": "0.5", "where": {"regions": [REGION]}, "steps": [
            {"run": "uname -m; sleep 2", "resources": {"cpus": 0.5, "memory_gb": 0.125}, "seconds_max": 60}]})["id"]
        done = wait_for(lambda: (lambda one: one["state"] in ("succeeded", "failed") and one)(
            request(net, "/v1/jobs/" + job)), "the job", 60)
        if done["state"] != "succeeded":
            raise Failed(f"the job is {done}")
        address = "0x" + json.loads((state / "keys/node.json").read_text())["address"].removeprefix("0x")
        wait_for(lambda: paid(net, address), "the payout", 120)
        return time.monotonic() - began
    finally:
        os.killpg(node.pid, signal.SIGTERM)
        node.wait(30)


def paid(net, address):
    accounts = subprocess.run([net.program, "--settings", net.state / "cli.toml", "--json", "token", "balance", address],
                              text=True, capture_output=True)
    balance = json.loads(accounts.stdout)
    return any(float(value) > 0 for name, value in balance.items() if "stable" in name or "usd" in name)


def main():
    top = argparse.ArgumentParser(description=__doc__)
    top.add_argument("package", type=pathlib.Path)
    top.add_argument("build", type=pathlib.Path)
    top.add_argument("--work", type=pathlib.Path, default=None, help="keep everything in this folder; a root that is there is used again")
    top.add_argument("--podman", help="words of a podman that has the image vcity: the node lives in a container of it")
    top.add_argument("--storage", type=pathlib.Path, help="the --root of that podman")
    args = top.parse_args()
    work = args.work or pathlib.Path(tempfile.mkdtemp(prefix="vcity-deb-"))
    work.mkdir(parents=True, exist_ok=True)
    root = work / "root"
    try:
        if args.podman:
            settings = work / "settings"
            settings.mkdir(exist_ok=True)
            command = [*shlex.split(args.podman), "run", "--rm", "--network", "host", "--device", "/dev/fuse",
                       "--security-opt", "unmask=ALL", "--security-opt", "seccomp=unconfined",
                       "-v", "vcity:/var/lib/vcity", "-v", f"{settings}:/etc/vcity:ro", "vcity", *JOIN]
            state = args.storage / "volumes/vcity/_data/node"
            what = "image"
        else:
            began = time.monotonic()
            if not root.exists():
                make_root(args.package.resolve(), root)
            print(f"clean Debian root with the package after {time.monotonic() - began:.0f} s", flush=True)
            look_around(root)
            settings, command, state = root / "etc/vcity", inside(root, "vcity", *JOIN), root / "var/lib/vcity/node"
            what = "installed package"
        programs = args.build.resolve() / "apps"
        with Devnet(programs / "vcity/vcity", work / "net",
                    ("--nodes", "1", "--worker", programs / "worker/vcity-worker")) as net:
            seconds = first_paid_job(net, settings, command, state)
        print(f"from the {what} to the first paid job: {seconds:.1f} s", flush=True)
        if seconds > PAID_SECONDS_MAX:
            raise Failed("that is too long")
    finally:
        if args.work is None:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"try_deb: {failure}", file=sys.stderr)
        sys.exit(1)
