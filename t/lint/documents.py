# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents: every path of the tree that they name exists, every link leads somewhere, the messages are those of the code."""
import itertools
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main
from tree import TOP, fail_with, read

FOLDERS = ("bench", "common", "dist", "doc", "fwknop", "fwknopd", "knock", "knockd", "man", "t", "tools")
PATH = re.compile(r"(?<![\w/.~<-])((?:%s)/[\w./*{},-]*[\w*}/])" % "|".join(FOLDERS))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def documents():
    return sorted(str(p.relative_to(TOP)) for p in [*TOP.glob("*.md"), *TOP.glob("doc/*.md"), TOP / "NEWS"])


def spellings(path):
    """"a/{b,c}.h" means two files."""
    parts = [part.split(",") for part in re.split(r"\{([^}]*)\}", path)]
    return ["".join(pick) for pick in itertools.product(*(part if i % 2 else [",".join(part)]
                                                          for i, part in enumerate(parts)))]


def exists(path):
    """A file or folder; a glob; without its suffix what a program's sources are called; NAME stands for any."""
    pattern = re.sub(r"\b[A-Z]{3,}(?:_[A-Z]+)*\b(?!\.md)", "*", path.rstrip("/"))
    return any(True for suffix in ("", ".cc", ".py", ".h", ".in") for _ in TOP.glob(pattern + suffix))


def test_paths():
    problems = []
    for document in documents():
        for number, line in enumerate(read(document).splitlines(), 1):
            # Installed paths and those of others begin with a slash, a variable or a tilde.
            for path in PATH.findall(line):
                problems += [f"{document}:{number}: there is no {one}" for one in spellings(path) if not exists(one)]
    fail_with(problems)


def test_links():
    problems = []
    for document in documents():
        for target in LINK.findall(read(document)):
            if not (TOP / document).parent.joinpath(target).exists():
                problems.append(f"{document}: the link to {target} leads nowhere")
    fail_with(problems)


def test_messages():
    """The tables of ARCHITECTURE name the messages that the channels carry."""
    problems = []
    for program, header in (("fwknopd", "fwknopd/requests.h"), ("knockd", "knockd/messages.h")):
        body = re.search(r"enum class MessageType[^{]*\{(.*?)\};", read(header), re.DOTALL)[1]
        wanted = set(re.findall(r"^\s*(\w+)(?: = \d+)?,", body, re.MULTILINE))
        table = re.search(rf"^## Messages of {program}\b.*?\n(.*?)^## ", read("doc/ARCHITECTURE.md"), re.MULTILINE | re.DOTALL)[1]
        found = {name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
        problems += [f"{program}: {name} is in {'the table' if name in found else header} only" for name in wanted ^ found]
    fail_with(problems)


if __name__ == "__main__":
    main()
