# SPDX-License-Identifier: Apache-2.0
"""What a reviewer would say first: format, lints, and clang-tidy on request."""
import subprocess
import sys

from .shell import BUILD, ROOT, Failed, jobs, run

LINTS = ("layers", "sizes", "banned", "hygiene")


def cpp_files(changed_since=None):
    if changed_since is None:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"]
    else:
        command = ["git", "diff", "--name-only", "--diff-filter=d", changed_since, "--", "*.cpp", "*.hpp"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def check():
    files = cpp_files()
    run(["clang-format-19", "--dry-run", "--Werror", *files], quiet=True)
    print(f"format: {len(files)} files", flush=True)
    failed = [name for name in LINTS if subprocess.run([sys.executable, f"tools/lint/{name}.py"], cwd=ROOT).returncode]
    if subprocess.run([sys.executable, "tools/lint/await_form.py", *files], cwd=ROOT).returncode:
        failed.append("await_form")
    if failed:
        raise Failed("lints found problems: " + ", ".join(failed))
    print("lints: " + ", ".join((*LINTS, "await_form")) + ": clean", flush=True)


def tidy(base):
    files = [name for name in cpp_files(base) if name.endswith(".cpp")]
    if files:
        run(["run-clang-tidy-19", "-clang-tidy-binary", "clang-tidy-19", "-quiet", "-p", BUILD / "dev", "-j", jobs(),
             *files])
