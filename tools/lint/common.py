# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the files git tracks (or would track), as paths from the root of the tree."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources(suffixes, under=None):
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *(under or [])],
                             cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in sorted(set(filter(None, listing.split("\0")))):
        path = pathlib.Path(name)
        if (ROOT / path).is_file() and (suffixes is None or path.suffix in suffixes):
            yield path


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")
