# SPDX-License-Identifier: Apache-2.0
"""as_service.py UNIT COMMAND...: runs a command under the system calls that the SystemCallFilter= of a systemd unit allows,
where no systemd runs. Needs Debian's python3-seccomp and systemd-analyze."""
import os
import re
import subprocess
import sys

import seccomp


def sets_of_calls():
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], text=True, capture_output=True,
                          check=True).stdout
    found, name = {}, None
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        word = line.strip()
        if word.startswith("@") and not line.startswith(" "):
            name = found.setdefault(word, [])
        elif word and not word.startswith("#") and name is not None:
            name.append(word)
    return found


def allowed(words, sets):
    calls = set()
    for word in words:
        calls |= allowed(sets[word], sets) if word.startswith("@") else {word}
    return calls


def main():
    with open(sys.argv[1], encoding="utf-8") as unit:
        words = re.search(r"^SystemCallFilter=(.+)$", unit.read(), re.M)[1].split()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(1))  # EPERM, as SystemCallErrorNumber= says
    # The names of calls of other machines are not known here.
    for call in allowed(words, sets_of_calls()):
        try:
            rules.add_rule(seccomp.ALLOW, call)
        except (RuntimeError, OSError, ValueError):
            pass
    rules.load()
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
