# SPDX-License-Identifier: Apache-2.0
"""A Slurm controller with 10,000 nodes that exist on paper: of state CLOUD, with a program that resumes them by doing
nothing, so that jobs get their nodes at once and no slurmd is needed."""
import os
import pathlib
import shutil
import subprocess
import time

from devlib.shell import Failed
from devlib.stand import Process, free_port

PACKAGES = "slurm-wlm libslurm-dev munge"
CONFIG = """ClusterName=bench
SlurmctldHost=localhost(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldDebug=error
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SuspendProgram=/bin/true
ResumeProgram=/bin/true
SuspendTime=360000
ResumeTimeout=36000
ResumeRate=0
SuspendRate=0
MaxJobCount=200000
NodeName=n[00001-{nodes:05}] NodeAddr=127.0.0.1 Port=[20001-{last_port}] CPUs=8 RealMemory=256000 State=CLOUD
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not():
    """The reason that Slurm cannot run here, if there is one."""
    if os.geteuid() != 0:
        return "munged and slurmctld need root"
    if not pathlib.Path("/usr/include/slurm/slurm.h").is_file() or not all(map(find, ("slurmctld", "munged"))):
        return f"not installed: apt-get install --no-install-recommends {PACKAGES}"
    return None


def find(program):
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")


class Slurm:
    """with Slurm(folder, nodes) as slurm: slurm.allocate(program, clients, count)"""

    def __init__(self, folder, nodes):
        self.folder, self.nodes = folder, nodes
        self.config = folder / "slurm.conf"
        self.processes = []

    def __enter__(self):
        (self.folder / "state").mkdir(parents=True)
        # munged insists on folders that nobody else can write.
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.config.write_text(CONFIG.format(folder=self.folder, port=free_port(), nodes=self.nodes,
                                             last_port=20_000 + self.nodes))
        try:
            self.start("munged", [find("munged"), "--force", "--foreground", f"--key-file={key}",
                                  f"--socket={self.folder}/munge.sock", f"--pid-file={self.folder}/munged.pid",
                                  f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed"])
            self.wait_for((self.folder / "munge.sock").exists)
            self.start("slurmctld", [find("slurmctld"), "-D", "-c", "-f", self.config])
            self.wait_for(lambda: subprocess.run(["scontrol", "ping"], env=self.environment(),
                                                 capture_output=True).returncode == 0)
            time.sleep(2)  # it reads its nodes before it is quick
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            process.stop()

    def environment(self):
        return {**os.environ, "SLURM_CONF": str(self.config)}

    def start(self, name, command):
        process = Process(name, command, self.folder / f"{name}.out")
        process.start()
        self.processes.append(process)

    def wait_for(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            if time.monotonic() > deadline:
                raise Failed("Slurm does not come up:\n" + "\n".join(each.tail() for each in self.processes))
            time.sleep(0.1)

    def allocate(self, program, clients, count):
        """Allocations a second of so many clients at the same time, and how long each took, in seconds."""
        children = [subprocess.Popen([program, self.config, str(count // clients)], env=self.environment(), text=True,
                                     stdout=subprocess.PIPE) for _ in range(clients)]
        lines = [line for child in children for line in child.communicate()[0].splitlines()]
        if any(child.returncode != 0 for child in children):
            raise Failed("Slurm refused an allocation")
        times = [tuple(map(float, line.split())) for line in lines]
        span = max(end for _, end in times) - min(begin for begin, _ in times)
        return len(times) / span, sorted(end - begin for begin, end in times)
