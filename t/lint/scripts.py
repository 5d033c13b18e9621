# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts: python and shell parse, name nothing that is not there, and have none of the usual mistakes."""
import ast
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main, need_tools
from tree import TOP, code_files, fail_with, read

FOLDERS = ("bench", "dist", "t", "tools")


def first_line(path):
    with open(path, "rb") as file:
        return file.readline(80)


def scripts():
    """Python files, and shell scripts: by their ending, or their first line where they have none."""
    python, shell = code_files(".py", folders=FOLDERS), ["bootstrap", "tools/lib.sh"]
    for path in [p for folder in FOLDERS for p in (TOP / folder).rglob("*") if p.is_file()]:
        line, name = first_line(path), str(path.relative_to(TOP))
        if line.startswith(b"#!") and b"python" in line and not name.endswith(".py"):
            python.append(name)
        elif line.startswith((b"#!/bin/sh", b"#!/bin/bash")):
            shell.append(name)
    return sorted(python), sorted(shell)


def lines_of(*command):
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if line] if done.returncode else []


def test_python_parses():
    for path in scripts()[0]:
        ast.parse(read(path), path)


def test_python_names():
    need_tools("pyflakes3")
    fail_with(lines_of("pyflakes3", *scripts()[0]))


def test_shell_parses():
    fail_with([line for path in scripts()[1] for line in lines_of("sh" if b"bash" not in first_line(TOP / path) else "bash", "-n", path)])


def test_shell():
    need_tools("shellcheck")
    # SC2034: the packages' scripts set variables for the part that they share.
    fail_with(lines_of("shellcheck", "--severity=warning", "--exclude=SC2034", "--format=gcc", "--external-sources",
                       *scripts()[1]))


if __name__ == "__main__":
    main()
