# SPDX-License-Identifier: GPL-2.0-or-later
"""The source tree as the lint tests see it."""
import pathlib

from harness import SOURCE

TOP = pathlib.Path(SOURCE)
CODE_FOLDERS = ("common", "knock", "knockd", "fwknop", "fwknopd", "t", "bench")


def code_files(*suffixes, folders=CODE_FOLDERS):
    """Paths below the top, as text, sorted. Build trees never stand inside these folders' sources."""
    return sorted(str(p.relative_to(TOP)) for f in folders for p in (TOP / f).rglob("*")
                  if p.suffix in suffixes and p.is_file())


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def fail_with(problems, hint=""):
    """AssertionError with every problem on a line of its own."""
    if problems:
        raise AssertionError("\n".join(["", *problems, hint]).rstrip())
