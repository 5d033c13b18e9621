# SPDX-License-Identifier: GPL-2.0-or-later
"""The man pages are clean in mandoc."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, main, need_tools
from tree import TOP, fail_with


def pages():
    found = sorted(str(p.relative_to(TOP)) for p in (TOP / "man").glob("*.[1-9]"))
    if not found:
        raise Skip("no man pages")
    return found


def test_mandoc():
    need_tools("mandoc")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages()], cwd=TOP, capture_output=True, text=True)
    # Cross references are to pages of other packages; the date is the release's.
    fail_with([line for line in (done.stdout + done.stderr).splitlines() if "referenced manual not found" not in line])


if __name__ == "__main__":
    main()
