# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of one node on this machine's loopback: munged, slurmctld and slurmd of Debian's packages."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

CONFIG = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=rented Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def find(program):
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Slurm:
    """Use it as a context manager; `config` is its slurm.conf."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-slurm-"))
        self.folder.chmod(0o755)  # munged insists on folders that nobody else can write
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self.config = self.folder / "slurm.conf"
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 // 1024 ** 2
        self.config.write_text(CONFIG.format(folder=self.folder, host=socket.gethostname().split(".")[0],
                                             controller=free_port(), daemon=free_port(), cpus=os.cpu_count(),
                                             memory=memory))
        self.processes = []
        try:
            self.start([find("munged"), "--force", "--foreground", f"--key-file={key}",
                        f"--socket={self.folder}/munge.sock", f"--pid-file={self.folder}/munged.pid",
                        f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed"])
            self.wait((self.folder / "munge.sock").exists, "munged")
            self.start([find("slurmctld"), "-D", "-c", "-f", self.config])
            self.start([find("slurmd"), "-D", "-f", self.config])
            self.wait(lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T"), "an idle node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def environment(self):
        return {**os.environ, "SLURM_CONF": str(self.config)}

    def start(self, words):
        with open(self.folder / "programs.log", "ab") as log:
            self.processes.append(subprocess.Popen(words, env=self.environment(), stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=log))

    def run(self, *words):
        return subprocess.run(words, env=self.environment(), text=True, capture_output=True).stdout

    def jobs(self):
        """Numbers of the jobs that have not ended."""
        return self.run("squeue", "--noheader", "--format=%A").split()

    def wait(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.log"))
                raise AssertionError(f"Slurm does not come up ({what}):\n{logs}")
            time.sleep(0.1)

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
