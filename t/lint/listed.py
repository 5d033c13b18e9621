# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing is forgotten: sources and tests are in Makefile.am, sorted; every file says its licence and what it is for."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main
from tree import TOP, code_files, fail_with, read

LIBRARIES = ("common", "knock", "knockd", "fwknop", "fwknopd")


def make_lists():
    """Variable -> words, of every `NAME = \\` list of Makefile.am."""
    text = read("Makefile.am").replace("\\\n", " ")
    lists = {}
    for name, words in re.findall(r"^(\w+)[ \t]*\+?=[ \t]*(.*)$", text, re.MULTILINE):
        lists.setdefault(name, []).extend(words.split())
    return lists


def test_sources_are_in_makefile_am():
    lists = make_lists()
    problems = []
    for library in LIBRARIES:
        listed = lists[f"lib{library}_a_SOURCES"]
        there = [p for p in code_files(".cc", ".h", folders=[library]) if p != f"{library}/main.cc"]
        problems += [f"{p}: not in lib{library}_a_SOURCES" for p in there if p not in listed]
        problems += [f"{p}: in lib{library}_a_SOURCES, but there is no such file" for p in listed if p not in there]
        problems += [f"{p}: twice in lib{library}_a_SOURCES" for p in set(listed) if listed.count(p) > 1]
    fail_with(problems)


def test_tests_are_in_makefile_am():
    lists = make_lists()
    problems = []
    for folder, name in (("t/unit", "unit_tests"), ("t/fuzz", "fuzz_targets")):
        there = [p[:-3] for p in code_files(".cc", folders=[folder])]
        problems += [f"{p}.cc: not in {name}" for p in there if p not in lists[name]]
        problems += [f"{p}: in {name}, but there is no {p}.cc" for p in lists[name] if p not in there]
        problems += [] if lists[name] == sorted(lists[name]) else [f"{name} is not sorted"]
    fail_with(problems)


def test_files_of_the_system_are_installed():
    """What stands in dist/ is installed by Makefile.am or goes into the Debian packages; nothing is left over."""
    makefile = read("Makefile.am")
    debian = "\n".join(read(str(p.relative_to(TOP))) for p in (TOP / "dist/debian").rglob("*") if p.is_file())
    there = [str(p.relative_to(TOP)) for p in (TOP / "dist").rglob("*") if p.is_file() and "dist/debian/" not in str(p)]
    fail_with([f"{path}: nobody installs it" for path in sorted(there)
               if not re.search(rf"(?<![\w/]){re.escape(path.removesuffix('.in'))}(?![\w/.-])", makefile + debian)])


def test_no_file_is_empty():
    """A folder exists by what is in it; seeds of the fuzz targets may be empty."""
    fail_with([f"{p.relative_to(TOP)}: is empty" for folder in ("bench", "common", "dist", "doc", "man", "t", "tools")
               for p in (TOP / folder).rglob("*") if p.is_file() and p.stat().st_size == 0
               and p.name != ".dirstamp" and not {"corpus", ".deps", "Testing"}.intersection(p.parts)])


def test_every_fuzz_target_has_a_corpus():
    fail_with([f"{p}: no seeds in t/fuzz/corpus/{name}" for p in code_files(".cc", folders=["t/fuzz"])
               for name in [os.path.basename(p)[:-3]]
               if not (TOP / "t/fuzz/corpus" / name).is_dir() or not any((TOP / "t/fuzz/corpus" / name).iterdir())])


def test_every_decoder_of_a_message_is_fuzzed():
    """What one process of a daemon decodes of another's bytes: each such function is called by a fuzz target."""
    targets = "".join(read(p) for p in code_files(".cc", folders=["t/fuzz"]))
    decoders = [(p, name) for p in code_files(".h", folders=["common/privsep", "knockd", "fwknopd"])
                for name in re.findall(r"\b(decode_\w+)\(ByteView \w+\);", read(p))]
    assert len(decoders) > 15, f"the declarations look otherwise now: {decoders}"
    fail_with([f"{p}: no fuzz target calls {name}" for p, name in decoders if not re.search(rf"\b{name}\b", targets)])


def test_heads():
    problems = []
    for path in code_files(".cc", ".h"):
        lines = read(path).splitlines()[:3]
        if not lines or lines[0] != "// SPDX-License-Identifier: GPL-2.0-or-later":
            problems.append(f"{path}:1: the SPDX line is missing")
        elif len(lines) < 2 or not re.match(r"// \S.{10,}", lines[1]):
            problems.append(f"{path}:2: one sentence should say what the file is for")
        if path.endswith(".h") and "#pragma once" not in read(path):
            problems.append(f"{path}: #pragma once is missing")
    for path in code_files(".py") + [f"tools/{name}" for name in ("check", "deb", "demo", "lib.sh") if (TOP / "tools" / name).exists()]:
        if "SPDX-License-Identifier: GPL-2.0-or-later" not in read(path)[:200]:
            problems.append(f"{path}: the SPDX line is missing")
    fail_with(problems)


def test_text_is_tidy():
    problems = []
    for path in code_files(".cc", ".h", ".py") + ["Makefile.am", "configure.ac", "bootstrap"]:
        for number, line in enumerate(read(path).split("\n"), 1):
            if line != line.rstrip() or ("\t" in line and not path.startswith("Makefile")):
                problems.append(f"{path}:{number}: tab or trailing blank")
    fail_with(problems)


if __name__ == "__main__":
    main()
