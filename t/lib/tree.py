# SPDX-License-Identifier: GPL-2.0-or-later
"""The source tree as the lint tests see it."""
import pathlib
import re

from harness import SOURCE

TOP = pathlib.Path(SOURCE)
CODE_FOLDERS = ("common", "knock", "knockd", "fwknop", "fwknopd", "t", "bench")


def code_files(*suffixes, folders=CODE_FOLDERS):
    """Paths below the top, as text, sorted. Build trees never stand inside these folders' sources."""
    return sorted(str(p.relative_to(TOP)) for f in folders for p in (TOP / f).rglob("*")
                  if p.suffix in suffixes and p.is_file())


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def literals(path):
    """The texts of a source, neighbours joined, what is filled in as {}."""
    text = re.sub(r"//.*", "", read(path))
    joined = re.sub(r'(?<!\\)"\s*\n\s*"', "", text)
    for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined):
        yield re.sub(r"\{[^{}]*\}", "{}", literal.replace('\\"', '"').replace("\\n", "\n"))


def program_texts(*folders):
    """Every text of the sources in these folders, with \\0 between them."""
    return "\0".join(text for path in code_files(".cc", ".h", folders=folders) for text in literals(path))


def has(known, text):
    """Whole words of it."""
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)" if re.match(r"\w.*\w$", text) else
                     re.escape(text) + (r"(?!\w)" if text[-1].isalnum() else ""), known) is not None


def fail_with(problems, hint=""):
    """AssertionError with every problem on a line of its own."""
    if problems:
        raise AssertionError("\n".join(["", *problems, hint]).rstrip())
