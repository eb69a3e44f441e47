#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on files, functions, lines and folders beyond the sizes that CONTRIBUTING.md states."""
import pathlib
import re
import sys

from common import ROOT, read, sources

LINES_MAX = {"header": 350, "source": 600, "test": 900}
FUNCTION_LINES_MAX = 60
FOLDER_FILES_MAX = 40
LINE_COLUMNS_MAX = 120
BLOB_BYTES_MAX = 200_000
# Weights, lock files, generated artifacts and recorded data are not read by people line by line.
BLOB_SUFFIXES = {".safetensors", ".model", ".png", ".svg", ".csv", ".json", ".gz"}


def kind_of(path):
    if re.search(r"_(test|fuzz|bench)\.cpp$", path.name) or "tests" in path.parts:
        return "test"
    return "header" if path.suffix == ".hpp" else "source"


def functions(lines):
    """Yields (first line, length) of definitions whose body opens on a line that is not inside another function."""
    depth_of_body, start = None, None
    depth = 0
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|//.*', "", line)
        opens_scope = re.match(r"\s*(?:namespace|class|struct|enum|union|extern)\b", code)
        if depth_of_body is None and "{" in code and not opens_scope and re.search(r"\)[^;]*\{\s*$", code):
            depth_of_body, start = depth, number
        depth += code.count("{") - code.count("}")
        if depth_of_body is not None and depth <= depth_of_body:
            yield start, number - start + 1
            depth_of_body = None


def problems():
    for path in sources((".cpp", ".hpp")):
        lines = read(path).splitlines()
        if len(lines) > LINES_MAX[kind_of(path)]:
            yield f"{path}:1: {len(lines)} lines; at most {LINES_MAX[kind_of(path)]} for a {kind_of(path)} file"
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield f"{path}:{number}: {len(line)} columns; at most {LINE_COLUMNS_MAX}"
        for start, length in functions(lines):
            if length > FUNCTION_LINES_MAX:
                yield f"{path}:{start}: function of {length} lines; at most {FUNCTION_LINES_MAX}"
    folders = {}
    for path in sources(None):
        folders.setdefault(path.parent, []).append(path)
        size = (ROOT / path).stat().st_size
        if size > BLOB_BYTES_MAX and path.suffix not in BLOB_SUFFIXES:
            yield f"{path}:1: {size} bytes; at most {BLOB_BYTES_MAX}"
    for folder, files in folders.items():
        if len(files) > FOLDER_FILES_MAX and "corpus" not in folder.name:
            yield f"{folder}: {len(files)} files in one folder; at most {FOLDER_FILES_MAX}"


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(bool(found))
