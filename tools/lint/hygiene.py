#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on missing licence lines, private machine paths, registry addresses in lock files and leftovers."""
import re
import sys

from common import read, sources

CODE = (".cpp", ".hpp", ".sol", ".py", ".mjs", ".ts", ".tsx", ".sh", ".proto", ".cmake")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:root|work|farm|home/[a-z]\w*)/")
REGISTRY = re.compile(r'"resolved":\s*"https?://')


def problems():
    for path in sources(None):
        if path.suffix in CODE or path.name in ("CMakeLists.txt", "Makefile"):
            head = "\n".join(read(path).splitlines()[:3])
            if "SPDX-License-Identifier: Apache-2.0" not in head:
                yield f"{path}:1: no SPDX-License-Identifier line"
        if path.suffix in (".safetensors", ".model", ".png", ".gz"):
            continue
        text = read(path)
        if path.name == "package-lock.json" and REGISTRY.search(text):
            yield f"{path}:1: names a registry host; set omit-lockfile-registry-resolved in .npmrc"
        if path.name == "hygiene.py":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                yield f"{path}:{number}: a path of one machine"
            if re.match(r"^(<<<<<<<|>>>>>>>) ", line):
                yield f"{path}:{number}: merge marker"


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(bool(found))
