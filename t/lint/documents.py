# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents: the paths, links, options, names and pieces of code that they name exist, the messages are those of the code."""
import itertools
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main
from man_page import PROGRAM_PAGES, entries, pages, sections
from tree import TOP, code_files, fail_with, has, program_texts, read

FOLDERS = ("bench", "common", "dist", "doc", "fwknop", "fwknopd", "knock", "knockd", "man", "t", "tools")
PATH = re.compile(r"(?<![\w/.~<-])((?:%s)/[\w./*{},-]*[\w*}/])" % "|".join(FOLDERS))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]+")
NAME = re.compile(r"(?<![\w-])-?D?_?([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])\b")
# Of apt-get, dpkg, iptables, autoconf, ld and Valgrind.
FOREIGN_OPTIONS = {"--reinstall", "--remove", "--dport", "--noflush", "--prefix", "--sysconfdir", "--localstatedir", "--runstatedir",
                   "--as-needed", "--error-exitcode", "--leak-check"}

NEAR_LINES = 30  # how far a line that is cited may have moved


def documents():
    return sorted(str(p.relative_to(TOP)) for p in [*TOP.glob("*.md"), *TOP.glob("doc/*.md"), *TOP.glob("t/*.md"), TOP / "NEWS"])


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


def test_the_calls_of_a_sensor():
    """Those of SECURITY.md are those of the filters."""
    part = read("SECURITY.md").split("### The calls of a sensor\n", 1)[1].split("\n\nThe GPG helper", 1)[0]
    told = set(re.findall(r"`([a-z]\w+)`", part))
    code = re.sub(r"constexpr auto gpg_refused_calls.*?\}\);", "", read("common/privsep/sandbox.cc"), flags=re.DOTALL)
    code = re.sub(r"void add_gpg_rules.*?\n\}\n", "", code, flags=re.DOTALL)
    known = set(re.findall(r"SCMP_SYS\((\w+)\)", code))
    fail_with([f"SECURITY.md: no word of {call}" for call in sorted(known - told)] +
              [f"SECURITY.md: {call} is in no filter" for call in sorted(told - known)])


def test_the_riskiest_lines_are_where_they_were():
    rows = re.findall(r"^\| `([\w/.]+):(\d+)` \| `(.*?)` \|", read("SECURITY.md"), re.MULTILINE)
    problems = [] if len(rows) == 10 else [f"SECURITY.md: {len(rows)} lines with a number"]
    for path, number, code in rows:
        found = [at for at, line in enumerate(read(path).splitlines(), 1) if code in line]
        if not any(abs(at - int(number)) <= NEAR_LINES for at in found):
            problems.append(f"SECURITY.md: `{code}` stands in {path} at {found}, not near {number}")
    fail_with(problems)


def test_links():
    problems = []
    for document in documents():
        for target in LINK.findall(read(document)):
            if not (TOP / document).parent.joinpath(target).exists():
                problems.append(f"{document}: the link to {target} leads nowhere")
    fail_with(problems)


def known_options():
    """Those of our programs, of configure, and of the scripts for people."""
    tags = [tag for page in PROGRAM_PAGES for tags, _ in entries(dict(sections(page))["OPTIONS"]) for tag in tags]
    scripts = ["configure.ac", "bench/peers", "bench/micro.cc", "tools/check", "t/cost/cores.py", "Makefile.am"]
    return {option for text in [*tags, *map(read, scripts)] for option in OPTION.findall(text)} | FOREIGN_OPTIONS


def test_options():
    known = known_options()
    fail_with([f"{document}:{number}: there is no option {option}" for document in documents()
               for number, line in enumerate(read(document).splitlines(), 1) for option in OPTION.findall(line) if option not in known])


def test_folders():
    """t/README names every folder of tests, ARCHITECTURE every folder of the tree."""
    named = {"t/README.md": {f"t/{name}" for name in re.findall(r"^\| `(\w+)` \|", read("t/README.md"), re.MULTILINE)},
             "doc/ARCHITECTURE.md": {name for cell in re.findall(r"^\| (`[^|]*) \|", read("doc/ARCHITECTURE.md"), re.MULTILINE)
                                     for name in re.findall(r"`([\w/]+)`", cell)}}
    tracked = {str(p.relative_to(TOP)) for folder in (*FOLDERS, "common/*", "fwknopd/*", "t/*") for p in TOP.glob(folder)
               if p.is_dir() and any(one.is_file() and not one.name.startswith(".") for one in p.iterdir())}
    problems = []
    for document, names in named.items():
        wanted = {p for p in tracked if p.startswith("t/") == document.startswith("t/")} - {"common", "t/Testing", "t/__pycache__"}
        problems += [f"{document}: nothing about {name}" for name in sorted(wanted - names)]
    fail_with(problems)


def test_switches_of_configure():
    """HACKING names every switch."""
    text = read("configure.ac")
    switches = re.findall(r"AS_HELP_STRING\(\[(--[\w-]+)", text) + re.findall(r"^LK_SWITCH\(\[\w+\], \[(--[\w-]+)\]", text, re.MULTILINE)
    fail_with([f"doc/HACKING.md: {switch} is not explained" for switch in switches if f"`{switch}" not in read("doc/HACKING.md")])
    if len(switches) < 8:
        raise AssertionError(f"only {switches}")


def test_names():
    """Names in capitals are directives, or something that the sources or the build files know."""
    known = {word for page in pages() if page.endswith(".5") for tags, _ in entries(dict(sections(page))["DIRECTIVES"])
             for tag in tags for word in re.findall(r"\w+", tag)}
    files = [*code_files(".cc", ".h"), *(str(p.relative_to(TOP)) for f in ("dist", "t/lib") for p in (TOP / f).rglob("*") if p.is_file()),
             "t/packaging/replacement.py", "t/cost/cores.py", "Makefile.am", "configure.ac", "t/CTestTestfile.cmake.in"]
    text = "\n".join(map(read, files))
    problems = []
    for document in documents():
        for number, line in enumerate(read(document).splitlines(), 1):
            problems += [f"{document}:{number}: nothing is called {name}" for name in NAME.findall(line)
                         if name not in known and not re.search(rf"(?<![A-Z]){name}\b", text) and not exists(name)]
    fail_with(problems)


def test_lines_of_the_programs():
    """What MIGRATION quotes of the configuration check is what the programs say."""
    table = re.search(r"^\| line \| what to do \|\n(.*?)\n\n", read("doc/MIGRATION.md"), re.MULTILINE | re.DOTALL)[1]
    quoted = [quote for row in table.splitlines()[1:] for quote in re.findall(r"`([^`]+)`", row.split("|")[1]) if quote != "error:"]
    known = program_texts("common", "knockd", "fwknopd")
    fail_with([f"doc/MIGRATION.md: the programs never say {quote}" for quote in quoted if not has(known, quote)])
    if len(quoted) < 12:
        raise AssertionError(f"only {quoted}")


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
