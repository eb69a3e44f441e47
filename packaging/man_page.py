# SPDX-License-Identifier: Apache-2.0
"""man_page.py PROGRAM [PURPOSE]: its manual page on standard output, from what its own --help says. With PURPOSE the page
is that of a program which vcity starts, without what belongs to vcity alone."""
import re
import subprocess
import sys

DEPTH_MAX = 2


def help_of(program, path):
    return subprocess.run([program, *path, "--help"], text=True, capture_output=True, check=True).stdout


def escaped(text):
    text = text.replace("\\", "\\\\").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def subcommands(text):
    """Names under "Subcommands:"; their descriptions may go on below them."""
    part = text.split("\nSubcommands:\n", 1)
    if len(part) < 2:
        return []
    return re.findall(r"^  ([a-z][a-z0-9-]*)(?:  +|\n|$)", part[1], flags=re.M)


def sections(program, path=()):
    text = help_of(program, path)
    yield path, text
    if len(path) < DEPTH_MAX:
        for name in subcommands(text):
            yield from sections(program, (*path, name))


def helper_page(program, purpose):
    # One that is only started by programs answers with its usage as an error.
    answer = subprocess.run([program, "--help"], text=True, capture_output=True, check=False)
    usage = answer.stdout or answer.stderr
    name = program.rsplit("/", 1)[-1]
    title = name.replace("-", "\\-")
    return [f'.TH {name.upper()} 1 "" "vcity" "User Commands"', ".SH NAME", f"{title} \\- {escaped(purpose)}", ".SH OPTIONS",
            ".nf", escaped(usage.rstrip().replace(program, name)), ".fi", ".SH SEE ALSO", ".BR vcity (1)"]


def main():
    program = sys.argv[1]
    if len(sys.argv) > 2:
        print("\n".join(helper_page(program, sys.argv[2])))
        return
    version = subprocess.run([program, "--version"], text=True, capture_output=True, check=True).stdout.strip()
    out = [f'.TH VCITY 1 "" "vcity {version}" "User Commands"', ".SH NAME",
           "vcity \\- node, roles and tools of the Vcity compute network", ".SH SYNOPSIS",
           ".B vcity", ".I NOUN VERB", "[options]", ".SH DESCRIPTION",
           "Roles, tools and a development network in one program. An owner of a machine begins with",
           ".BR \"vcity node join\" ,", "a customer with", ".BR \"vcity chat\" \" and \" \"vcity job run\" .", ".SH COMMANDS"]
    for path, text in sections(program):
        title = " ".join(("vcity", *path))
        out += [f".SS {escaped(title)}", ".nf", escaped(text.rstrip().replace(program, "vcity")), ".fi"]
    out += [".SH EXIT STATUS",
            "0 done; 1 general failure; 2 wrong words or values; 3 not found; 4 not allowed; 5 conflict; 6 no capacity;",
            "7 payment needed; 8 a deadline passed; 9 verification failed; 130 interrupted.", ".SH FILES",
            ".TP", "/var/lib/vcity/node", "Key, settings and records of a node that root has joined with.",
            ".TP", "/etc/vcity/network.json", "The network to join.", ".TP", "/etc/default/vcity\\-node",
            "Environment of the service.", ".SH SEE ALSO", ".BR bwrap (1),", ".BR systemctl (1)"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
