# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of its own in a temporary folder, on a Unix socket there. It flushes to disk as in production."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from .shell import Failed

START_SECONDS = 30


class Postgres:
    def __enter__(self):
        self.databases = 0
        versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not versions:
            raise Failed("PostgreSQL is missing: run `tools/dev setup`")
        self.programs = versions[-1]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-pg-"))
        # The server refuses root.
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.prefix = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]
        self.run("initdb", "-D", self.folder / "data", "-U", "vcity", "-A", "trust", "-E", "UTF8", "--locale=C",
                 "--no-instructions")
        words = [*self.prefix, self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", "",
                 "-c", "log_min_messages=fatal"]
        self.server = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder]).returncode != 0:
            if time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise Failed("PostgreSQL does not come up")
            time.sleep(0.05)
        return self

    def __exit__(self, kind, value, trace):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)  # at once; its children end with it
            self.server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database="postgres"):
        return f"postgresql:///{database}?user=vcity&host={self.folder}"

    def fresh_uri(self):
        """Of a new, empty database."""
        self.databases += 1
        name = f"vcity{self.databases}"
        self.run("createdb", "-h", self.folder, "-U", "vcity", name)
        return self.uri(name)

    def run(self, program, *words):
        command = [str(word) for word in (*self.prefix, self.programs / program, *words)]
        result = subprocess.run(command, text=True, capture_output=True)
        if result.returncode != 0:
            raise Failed(f"{program} ended with {result.returncode}: {result.stderr}")
