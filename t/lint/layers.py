# SPDX-License-Identifier: GPL-2.0-or-later
"""Every #include against layers.txt; third-party headers in their one folder; config.h only in .cc files."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main
from tree import TOP, code_files, fail_with, read

PROGRAM_FOLDERS = ("common", "knock", "knockd", "fwknop", "fwknopd")
# Third-party headers: the one folder whose .cc files may include them.
THIRD_PARTY = {
    r"pcap(/|\.h|-)": "common/net",
    r"curl/": "common/net",
    r"gcrypt\.h": "common/crypto",
    r"gpgme\.h|gpg-error\.h": "common/crypto",
    r"(iniparser/)?(iniparser|dictionary)\.h": "common/config",
    r"seccomp\.h": "common/privsep",
    r"cap-ng\.h": "common/privsep",
    r"nftables/": "fwknopd/firewall",
    r"systemd/": "common/os",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def allowed_folders():
    rules = {}
    for line in read("t/lint/layers.txt").splitlines():
        if line and not line.startswith("#"):
            folder, others = line.split(":")
            rules[folder] = others.split()
    return rules


def folder_of(path, rules):
    """The deepest folder of the rules that holds the path."""
    while path and path not in rules:
        path = os.path.dirname(path)
    return path


def may_include(folder, header, rules):
    target = folder_of(os.path.dirname(header), rules)
    return target == folder or any(target == other or target.startswith(other + "/") for other in rules[folder])


def problems_of(path, rules):
    folder = folder_of(os.path.dirname(path), rules)
    if not folder:
        yield f"{path}: its folder is not in t/lint/layers.txt"
        return
    for kind, header in INCLUDE.findall(read(path)):
        if kind == '"' and header == "config.h":
            if path.endswith(".h"):
                yield f"{path}: config.h belongs into .cc files only"
        elif kind == '"':
            if not (TOP / header).exists():
                yield f'{path}: "{header}" is not a path from the top of the tree'
            elif not may_include(folder, header, rules):
                yield f"{path}: {folder} may not include {header}"
        for pattern, owner in THIRD_PARTY.items():
            if kind == "<" and re.match(pattern, header) and (folder != owner or path.endswith(".h")):
                yield f"{path}: <{header}> belongs into .cc files of {owner} only"


def test_includes():
    rules = allowed_folders()
    fail_with([p for path in code_files(".cc", ".h", folders=PROGRAM_FOLDERS) for p in problems_of(path, rules)])


def test_own_header_comes_first():
    """So that each header is known to compile on its own."""
    problems = []
    for path in code_files(".cc", folders=PROGRAM_FOLDERS):
        own = path[:-3] + ".h"
        first = next((header for _, header in INCLUDE.findall(read(path)) if header != "config.h"), None)
        if (TOP / own).exists() and first != own:
            problems.append(f"{path}: {first} comes before {own}")
    fail_with(problems)


def test_the_rules_have_no_circle():
    rules = allowed_folders()
    order = list(rules)
    fail_with([f"{folder} may include {other}, which stands below it" for folder in order
               for other in rules[folder] if other in order and folder.startswith("common") and
               order.index(other) >= order.index(folder)])


if __name__ == "__main__":
    main()
