#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on calls and forms that have a better replacement here, each named in the message."""
import re
import sys

from common import read, sources

OUTSIDE = r"^src/async/(work_queue|writer_reader)\.hpp$|^(src/adapters|src/sim|apps|tests|bench)/"
# (pattern, where it is allowed, what to do instead)
BANNED = [
    (r"std::chrono::\w+_clock::now", OUTSIDE, "take time from Runtime"),
    (r"std::random_device|\brand\(\)|std::mt19937", OUTSIDE + r"|_test\.cpp$|^src/verify/|^src/placement/.*_test", "take randomness from Runtime"),
    (r"\bstd::(this_thread::sleep|thread\b|jthread|mutex\b)", OUTSIDE, "services are one logical thread; use Runtime"),
    (r"(?<!_)\bsleep_for\b", r"^$", "wait for the condition, not for time"),
    (r"\bassert\(", r"^$", "CHECK stays on in every build"),
    (r"\b(?:strcpy|strcat|sprintf|gets|atoi|atol|strtok)\(", r"^$", "use std::string, fmt or codec/integer.hpp"),
    (r"\busing namespace (?!std::(?:chrono_literals|string_literals))", r"^$", "name what you use"),
    (r"\bGTEST_SKIP|\bDISABLED_", r"^$", "a test that does not run proves nothing"),
    (r"#include <(?:boost/beast|boost/asio\.hpp)", r"^(src/adapters|apps|bench)/.*\.cpp$", "heavy headers only in the adapter's .cpp"),
    (r"#include <nlohmann", r"^src/codec/.*\.cpp$", "use codec/json.hpp"),
    (r"#include <torch|#include <ATen", r"^apps/worker/", "only the worker links libtorch"),
    (r"#include <sqlite3", r"^src/adapters/store_sqlite/.*\.cpp$|^tests/", "use ports/store.hpp"),
    (r"#include <libpq", r"^src/adapters/store_postgres/.*\.cpp$", "use ports/store.hpp"),
    (r"\b(?:FIXME|XXX|HACK)\b|\bTODO(?!\(#\d+\))", r"^$", "do it now, or file an issue"),
]


def problems():
    for path in sources((".cpp", ".hpp")):
        name = path.as_posix()
        for number, line in enumerate(read(path).splitlines(), 1):
            code = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
            for pattern, allowed, instead in BANNED:
                if re.search(pattern, code) and not re.search(allowed, name):
                    yield f"{name}:{number}: {re.search(pattern, code)[0]}: {instead}"


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(bool(found))
