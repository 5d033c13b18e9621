# SPDX-License-Identifier: GPL-2.0-or-later
"""C++ is formatted as .clang-format says."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, main, need_tools
from tree import TOP, code_files, fail_with

CLANG_FORMAT_VERSION = "14."


def test_clang_format():
    need_tools("clang-format")
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout
    if f"version {CLANG_FORMAT_VERSION}" not in version:
        raise Skip(f"the tree is formatted with version {CLANG_FORMAT_VERSION}x, not {version.strip()}")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *code_files(".cc", ".h")], cwd=TOP,
                          capture_output=True, text=True)
    problems = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
    fail_with(problems, "run clang-format -i on these files")


if __name__ == "__main__":
    main()
