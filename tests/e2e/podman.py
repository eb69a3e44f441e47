# SPDX-License-Identifier: Apache-2.0
"""A podman of its own for a test: nothing that it makes is seen by, or sees, the machine's."""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

SETTINGS = """[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend = "netavark"
"""
RECIPE = """FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
"""


class Podman:
    """Use it as a context manager; `socket` is its service, `image` names busybox by digest."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-podman-"))
        self.folder.chmod(0o755)
        for name in ("root", "run", "net", "image"):
            (self.folder / name).mkdir()
        (self.folder / "containers.conf").write_text(SETTINGS)
        (self.folder / "image" / "Containerfile").write_text(RECIPE)
        shutil.copy("/bin/busybox", self.folder / "image" / "busybox")
        self.command("build", "--quiet", "--tag", "localhost/vcity-test:1", self.folder / "image")
        self.image = self.command("image", "inspect", "--format", "{{index .RepoDigests 0}}", "localhost/vcity-test:1")
        self.socket = self.folder / "engine.sock"
        self.service = subprocess.Popen(self.words("system", "service", "--time=0", f"unix://{self.socket}"),
                                        env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < deadline, "podman's service did not start"
            time.sleep(0.02)
        return self

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def words(self, *words):
        return ["podman", "--root", self.folder / "root", "--runroot", self.folder / "run", "--network-config-dir",
                self.folder / "net", *words]

    def environment(self):
        return {"CONTAINERS_CONF": str(self.folder / "containers.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def command(self, *words):
        result = subprocess.run(self.words(*words), env=self.environment(), cwd=self.folder, text=True,
                                capture_output=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def containers(self):
        """Identifiers, those that have ended too."""
        return self.command("ps", "--all", "--quiet", "--no-trunc").split()

    def __exit__(self, *_):
        subprocess.run(self.words("rm", "--all", "--force", "--time", "0"), env=self.environment(), cwd=self.folder,
                       capture_output=True)
        self.service.kill()
        self.service.wait()
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(str(self.folder))), reverse=True):
            subprocess.run(["umount", "-l", mount], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
