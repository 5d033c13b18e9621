# SPDX-License-Identifier: GPL-2.0-or-later
"""ENABLE_PROC_IP_FORWARD: fwknopd switches forwarding on at its start where it is off, and leaves it alone otherwise."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import configure, spawn
from harness import check, check_equal, main, program
from lab import Lab

SWITCH = "/proc/sys/net/ipv4/ip_forward"
WRITTEN = f"Forwarding was off; wrote 1 to {SWITCH}"
BOTH = "ENABLE_IPT_FORWARDING Y;\nENABLE_PROC_IP_FORWARD Y;\n"


def run(lab, options, before, *how, around=()):
    """One life of a daemon: the switch afterwards, and the lines about it."""
    lab.gateway.run("sh", "-c", f"echo {before} >{SWITCH}")
    daemon = spawn(lab, configure(lab, options), *how, around=around)
    check_equal(daemon.stop(), 0)
    return lab.gateway.run("cat", SWITCH).stdout.strip(), [line for line in daemon.lines() if "orward" in line and "FWKNOP_" not in line]


def test_switched_on_and_left_on(lab):
    after, lines = run(lab, BOTH, 0)
    check_equal(after, "1")
    check(len(lines) == 1 and lines[0].endswith(WRITTEN), f"{lines}")


def test_nothing_to_do_where_it_is_on(lab):
    check_equal(run(lab, BOTH, 1), ("1", []))


def test_not_asked_for(lab):
    check_equal(run(lab, "ENABLE_IPT_FORWARDING Y;\n", 0), ("0", []))
    check_equal(run(lab, "ENABLE_PROC_IP_FORWARD Y;\n", 0), ("0", []))
    check_equal(run(lab, BOTH.replace("FORWARD Y", "FORWARD N"), 0), ("0", []))
    check_equal(run(lab, BOTH, 0, "-t"), ("0", []))


def test_a_failure_is_a_warning(lab):
    read_only = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$@\""
    after, lines = run(lab, BOTH, 0, around=("unshare", "-m", "sh", "-c", read_only, "sh"))
    check_equal(after, "0")
    check(len(lines) == 1 and f"Warning: Could not enable forwarding: {SWITCH}: Read-only file system" in lines[0], f"{lines}")


def test_not_in_the_dump(lab):
    dump = lab.gateway.run(program("fwknopd"), "-D", *configure(lab, BOTH))
    check("ENABLE_IPT_FORWARDING" in dump.stdout, dump.stdout)
    check("PROC_IP_FORWARD" not in dump.stdout + dump.stderr, dump.stdout + dump.stderr)


if __name__ == "__main__":
    main(Lab)
