# SPDX-License-Identifier: GPL-2.0-or-later
"""The man pages: clean in mandoc and man, every section there, every message of DIAGNOSTICS in the sources."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main, need_tools
from man_page import HOME_FOLDERS, PROGRAM_PAGES, entries, messages, pages, sections
from tree import TOP, code_files, fail_with, has, program_texts, read

# In this order; others may stand between them.
PROGRAM = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "FILES", "EXIT STATUS", "DIAGNOSTICS", "EXAMPLES", "SECURITY",
           "DEVIATIONS", "SEE ALSO"]
CONFIGURATION = ["NAME", "SYNOPSIS", "DESCRIPTION", "DIRECTIVES", "FILES", "DIAGNOSTICS", "EXAMPLES", "SECURITY",
                 "DEVIATIONS", "SEE ALSO"]
DAEMONS = ("knockd.1", "fwknopd.8")


def test_mandoc():
    need_tools("mandoc")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *(f"man/{p}" for p in pages())], cwd=TOP, capture_output=True,
                          text=True)
    # Cross references are to pages of other packages.
    fail_with([line for line in (done.stdout + done.stderr).splitlines() if "referenced manual not found" not in line])


def test_man_warnings():
    need_tools("man", "groff")
    problems = []
    for page in pages():
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", f"man/{page}"], cwd=TOP,
                              capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
        problems += [f"{page}: {line}" for line in done.stderr.splitlines()]
    fail_with(problems)


def test_sections():
    problems = []
    for page in pages():
        wanted = CONFIGURATION if page.endswith(".5") else PROGRAM
        found = [name for name, _ in sections(page)]
        problems += [f"{page}: no section {name}" for name in wanted if name not in found]
        problems += [f"{page}: no section SIGNALS" for p in DAEMONS if p == page and "SIGNALS" not in found]
        order = [name for name in found if name in wanted]
        if order != [name for name in wanted if name in order]:
            problems.append(f"{page}: sections stand in the order {', '.join(order)}")
    fail_with(problems)


def shown(page):
    """The page as text, without its requests and fonts."""
    text = re.sub(r"^\.[A-Z]{1,2} ", "", read(f"man/{page}"), flags=re.MULTILINE).replace("\\-", "-")
    return re.sub(r"\\f.", "", text)


def test_cross_references():
    """name(section) of a page of ours is one that exists."""
    ours = {page.rpartition(".")[::2] for page in pages()}
    problems = []
    for page in pages():
        for name, section in re.findall(r"([a-z.]+) ?\((\d)\)", shown(page)):
            if name in {one for one, _ in ours} and (name, section) not in ours:
                problems.append(f"{page}: there is no {name}({section})")
    fail_with(problems)


def test_options_of_others():
    """What a page says of an option, its own or of another program of ours, is about one that exists."""
    option = re.compile(r"(?<![\w-])--[a-z][\w-]+")
    known = {name for page in PROGRAM_PAGES for tags, _ in entries(dict(sections(page))["OPTIONS"]) for tag in tags
             for name in option.findall(tag)} | {"--list-secret-keys", "--ctstate", "--dport", "--direct", "--enable-nfqueue"}
    fail_with([f"{page}: there is no option {name}" for page in pages() for name in sorted(set(option.findall(shown(page))))
               if name not in known])


def test_names_in_capitals():
    """Directives, and what the sources know, such as variables of the environment."""
    directives = {word for page in pages() if page.endswith(".5") for tags, _ in entries(dict(sections(page))["DIRECTIVES"])
                  for tag in tags for word in re.findall(r"\w+", tag)}
    code = "\n".join(read(p) for p in [*code_files(".cc", ".h"), "dist/knockd/default", "dist/fwknop/default"])
    problems = []
    for page in pages():
        for name in sorted(set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b", shown(page)))):
            if name not in directives and not re.search(rf"\b{name}\b", code):
                problems.append(f"{page}: nothing is called {name}")
    fail_with(problems)


def test_every_message_of_diagnostics_is_in_the_sources():
    problems = []
    for page in pages():
        known = program_texts(*HOME_FOLDERS[page], "common")
        found = messages(page)
        if not found:
            problems.append(f"{page}: DIAGNOSTICS has no message")
        for message in found:
            pieces = [piece for piece in message.split("{}") if piece.strip(" '")]
            # A text may be put together from pieces, which then stand in the sources one by one.
            if not has(known, message) and ("{}" not in message or not all(has(known, piece) for piece in pieces)):
                problems.append(f"{page}: no such message in the sources: {message}")
    fail_with(problems)


def test_paths_of_files():
    """A path in FILES is written somewhere in the sources, the build files or the installed files."""
    texts = "\n".join(read(p) for p in [*code_files(".cc", ".h"), "Makefile.am", "configure.ac"])
    problems = []
    for page in pages():
        for path in re.findall(r"^\.I (\S+)", dict(sections(page)).get("FILES", ""), re.MULTILINE):
            name = os.path.basename(path.rstrip("/").replace("\\-", "-")).split("*")[-1]
            if name.strip(".") and name not in texts and path != "/etc/services":
                problems.append(f"{page}: nothing in the sources has the name {name} of {path}")
    fail_with(problems)


if __name__ == "__main__":
    main()
