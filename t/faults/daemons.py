#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A running fwknopd whose system calls fail now and then (libfiu): it lives, what it says it opened is open, all of it is
closed again, and nothing stays behind."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from fwknopd_lab import ask, configure, spawn
from harness import check, check_equal, main, need_plain_build, need_tools, wait_until
from lab import Lab

ENOSPC, EIO = 28, 5
REQUESTS = 10
ENDED = "Added access rule|Could not (write|add digest)|could not be|refused"


def run_under(lab, name, code):
    """The daemon answers every request with a rule or with a line that says why not."""
    need_tools("fiu-run")
    need_plain_build()  # the sanitizers and libfiu both want to stand before the C library
    fault = f"enable_random name=posix/{name},probability=0.3,failinfo={code}"
    daemon = spawn(lab, configure(lab), around=("fiu-run", "-f", "", "-x", "-c", fault), wrap=False)
    for number in range(REQUESTS):
        seen = len(re.findall(ENDED, daemon.text()))
        ask(lab, "-A", f"tcp/{1000 + number}", "-f", "1")
        wait_until(lambda seen=seen: len(re.findall(ENDED, daemon.text())) > seen or not daemon.alive(), what=f"an end of {number}")
        check(daemon.alive(), f"{name}: the daemon has ended\n{daemon.text()}")
    wait_until(lambda: not any("10.9.0.2" in rule for rule in lab.gateway.rules()), what=f"{name}: all rules gone")
    check("Added access rule" in daemon.text(), f"{name}: nothing was ever granted")
    check_equal(daemon.stop(), 0, "exit status")
    return daemon.text()


def test_syncs_that_fail(lab):
    check("Could not write" in run_under(lab, "io/sync/fdatasync", EIO), "no sync has failed")


def test_files_that_cannot_be_replaced(lab):
    run_under(lab, "io/dir/rename", ENOSPC)


def test_writes_that_stop_early(lab):
    run_under(lab, "io/rw/write/reduce", ENOSPC)


if __name__ == "__main__":
    main(Lab)
