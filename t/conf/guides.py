# SPDX-License-Identifier: GPL-2.0-or-later
"""What README.md and doc/MIGRATION.md tell people to type: our commands are run, and every option of ours exists."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, main
from lab import Lab
from man_examples import Place
from man_page import entries, example_blocks, sections
from tree import read

GUIDES = ("README.md", "doc/MIGRATION.md")
PAGES = {"knock": "knock.1", "knockd": "knockd.1", "fwknop": "fwknop.8", "fwknopd": "fwknopd.8"}
OURS = re.compile(r"^(?:\./\w+/)?(knockd|knock|fwknopd|fwknop)\b")


def typed(guide):
    """The lines of the indented blocks, without comments."""
    return [re.sub(r"\s+# .*", "", line).strip() for line in re.findall(r"^    (\S.*)$", read(guide), re.MULTILINE)]


def known_options(name):
    return {word for tags, _ in entries(dict(sections(PAGES[name]))["OPTIONS"]) for tag in tags
            for word in re.findall(r"(?<![\w-])--?[\w-]+", tag)}


def test_options_exist():
    for guide in GUIDES:
        commands = [part.strip() for line in typed(guide) for part in line.split("&&")]
        commands += re.findall(r"`((?:knockd?|fwknopd?) [^`]*)`", read(guide))
        found = 0
        for command in commands:
            if name := OURS.match(command):
                for option in re.findall(r"(?<=\s)--?[A-Za-z][\w-]*", command):
                    found += 1
                    check(option in known_options(name[1]), f"{guide}: {command}: no option {option}")
        check(found >= 2, f"{guide}: only {found} options")


def test_commands_work(lab):
    with Place(lab) as place:
        place.write("knockd.conf", example_blocks("knockd.conf.5")[0])
        place.write("fwknop/fwknopd.conf", "PCAP_INTF eth0\n")
        place.write("fwknop/access.conf", example_blocks("access.conf.5")[0])
        daemon = place.spawn(lab.gateway, "fwknopd -f")
        daemon.wait_for_line("Starting fwknopd main event loop")
        ran = 0
        for guide in GUIDES:
            for line in typed(guide):
                if OURS.match(line):
                    # From the build tree: the names lead to the same programs here.
                    place.run(lab.gateway, re.sub(r"\./\w+/", "", line))
                    ran += 1
        check(ran >= 8, f"only {ran} commands")


if __name__ == "__main__":
    main(Lab)
