# SPDX-License-Identifier: GPL-2.0-or-later
"""The release tarball holds what git tracks and what bootstrap makes, and nothing that a build left behind."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, main, need_tools
from tree import TOP, fail_with

# Of no use outside a checkout.
NOT_SHIPPED = {".gitignore", ".ci/run"}
MADE_BY_BOOTSTRAP = {"Makefile.in", "aclocal.m4", "config.h.in", "configure"}


def tracked_files():
    need_tools("git", "make")
    if not (TOP / ".git").exists():
        raise Skip("not a git checkout")
    listing = subprocess.run(["git", "-c", f"safe.directory={TOP}", "-C", str(TOP), "ls-files", "-z"],
                             check=True, capture_output=True, text=True)
    return {name for name in listing.stdout.split("\0") if name and (TOP / name).exists()}


def shipped_files():
    with tempfile.TemporaryDirectory() as folder:
        top = os.path.join(folder, "tarball")
        subprocess.run(["make", "-s", "-C", str(BUILD), "distdir", f"distdir={top}"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        return {os.path.relpath(os.path.join(where, name), top) for where, _, names in os.walk(top) for name in names}


def test_the_tarball_is_the_checkout():
    tracked, shipped = tracked_files() - NOT_SHIPPED, shipped_files()
    surplus = {name for name in shipped - tracked - MADE_BY_BOOTSTRAP if not name.startswith("build-aux/")}
    fail_with([f"{name}: tracked, but not in the tarball" for name in sorted(tracked - shipped)] +
              [f"{name}: in the tarball, but not tracked" for name in sorted(surplus)])


if __name__ == "__main__":
    main()
