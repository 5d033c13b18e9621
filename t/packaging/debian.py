# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian packaging as text, and lintian's opinion of the packages of $LATCHKEY_DEBS."""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, check, check_equal, main, need_tools
from tree import TOP, read


def test_one_version():
    version = re.search(r"AC_INIT\(\[latchkey\], \[([^]]+)\]", read("configure.ac")).group(1)
    check_equal(re.match(r"latchkey \(([^)]+)\)", read("dist/debian/changelog")).group(1), version, "debian/changelog")
    check_equal(re.match(r"Latchkey (\S+),", read("NEWS")).group(1), version, "NEWS")


def test_no_invented_places():
    for path in sorted((TOP / "dist").rglob("*")):
        if path.is_file():
            check(".example" not in path.read_text(), f"{path}: an invented domain")


def test_maintainer_scripts():
    """As they are in the packages: the shared part in place of its mark."""
    shared = read("dist/debian/takeover.sh")
    scripts = [p for p in (TOP / "dist/debian").iterdir() if p.suffix in (".postinst", ".prerm", ".postrm")]
    check_equal(len(scripts), 6, "maintainer scripts")
    for script in scripts:
        text = script.read_text()
        check("\n#TAKEOVER#\n" in text, f"{script.name}: no mark")
        done = subprocess.run(["sh", "-n"], input=text.replace("#TAKEOVER#", shared), text=True, capture_output=True)
        check_equal((done.returncode, done.stderr), (0, ""), script.name)


def test_lintian():
    debs = glob.glob(os.environ.get("LATCHKEY_DEBS", "/nonexistent") + "/*.changes")
    if not debs:
        raise Skip("LATCHKEY_DEBS names no folder with packages (tools/deb makes them)")
    need_tools("lintian")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *debs], capture_output=True, text=True)
    print(done.stdout)
    check_equal(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
