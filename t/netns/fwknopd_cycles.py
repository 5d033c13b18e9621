# SPDX-License-Identifier: GPL-2.0-or-later
"""Command cycles whose commands do not end or cannot be started: what was opened is closed when it is due, in any case."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, configure, spawn
from harness import SCALE, check, check_equal, main, wait_until
from lab import Lab
from preload import FailingCalls

CLOSING = "Timer expired, running CMD_CYCLE_CLOSE command"


class Cycle:
    """A stanza whose open and close are scripts, and what these have noted."""

    def __init__(self, lab, opening="", closing="", environment=None):
        self.lab, self.environment = lab, environment
        scripts = [lab.write(name, f"#!/bin/sh\necho $1 >>{lab.dir}/{name}ed\n{text}\n", mode=0o755)
                   for name, text in (("open", opening), ("clos", closing))]
        self.files = configure(lab, stanza=f"CMD_CYCLE_OPEN {scripts[0]} $IP\nCMD_CYCLE_CLOSE {scripts[1]} $IP\nCMD_CYCLE_TIMER 2\n")
        self.start()

    def start(self):
        self.daemon = spawn(self.lab, self.files, wrap=self.environment is None, env=self.environment)

    def ask(self, address, timeout_s=2):
        ask(self.lab, "-A", "tcp/22", "-f", timeout_s, allowed=address)
        wait_until(lambda: address in self.noted("opened"), what=f"an open for {address}")
        return time.monotonic()

    def noted(self, name):
        path = self.lab.dir / name
        return path.read_text().split() if path.exists() else []

    def wait_for_close(self, address, limit_s=None):
        wait_until(lambda: address in self.noted("closed"), limit_s, f"a close for {address}")
        return time.monotonic()


def test_an_open_command_that_never_ends(lab):
    cycle = Cycle(lab, "case $1 in *.1) exec sleep 1000;; esac")
    begin = cycle.ask("10.7.0.1")
    cycle.ask("10.7.0.2", 1)
    cycle.wait_for_close("10.7.0.2")
    check_equal(cycle.noted("closed"), ["10.7.0.2"], "closed so far")
    open_s = cycle.wait_for_close("10.7.0.1") - begin
    check(1.5 <= open_s <= 2 + 2 * SCALE, f"closed after {open_s:.2f} s")
    cycle.daemon.wait_for_line(r"\[10\.7\.0\.1\] \(stanza #1\) The CMD_CYCLE_OPEN command has not ended and its close is due, ending it: ", start=0)
    cycle.daemon.wait_for_line(rf"\[10\.7\.0\.1\] \(stanza #1\) {CLOSING}")
    check_equal(cycle.daemon.stop(), 0)
    check_equal(cycle.noted("closed"), ["10.7.0.2", "10.7.0.1"], "closed")


def test_an_open_command_that_does_not_listen(lab):
    """Nothing of it is left to undo the close."""
    cycle = Cycle(lab, f"trap '' TERM\nwhile sleep 0.1; do echo >>{lab.dir}/alive; done")
    cycle.ask("10.7.0.1")
    cycle.wait_for_close("10.7.0.1")
    size = (lab.dir / "alive").stat().st_size
    time.sleep(0.5)
    check_equal((lab.dir / "alive").stat().st_size, size, "the open command is still at it")
    check_equal(cycle.daemon.stop(), 0)


def test_a_close_that_cannot_be_started(lab):
    calls = FailingCalls(lab)
    cycle = Cycle(lab, environment=calls.environment)
    cycle.ask("10.7.0.1", 2)
    calls.fail("vfork", 1, times=2)
    cycle.wait_for_close("10.7.0.1")
    again = [line for line in cycle.daemon.lines() if "could not be run, trying again: Resource temporarily unavailable" in line]
    check_equal((len(again), calls.fired()), (1, 2), "lines, failures")
    check_equal(cycle.daemon.stop(), 0)
    check_equal(cycle.noted("closed"), ["10.7.0.1"], "closed")


def test_the_end_while_a_command_opens(lab):
    """First the open command ends, then the close runs: whatever the first does, it is undone."""
    cycle = Cycle(lab, f"sleep 1; case $1 in *.2) sleep 1000;; esac; touch {lab.dir}/$1", f"rm -f {lab.dir}/$1")
    cycle.ask("10.7.0.1", 600)
    cycle.ask("10.7.0.2", 600)
    check_equal(cycle.daemon.stop(limit_s=10), 0)
    check_equal(sorted(cycle.noted("closed")), ["10.7.0.1", "10.7.0.2"], "closed")
    check(not (lab.dir / "10.7.0.1").exists(), "the close ran before the open command had ended")


def test_the_end_while_a_close_hangs(lab):
    """It comes in time, and the next start runs the close again."""
    cycle = Cycle(lab, closing="test -e $0.hangs && exec sleep 1000")
    (lab.dir / "clos.hangs").touch()
    cycle.ask("10.7.0.1", 1)
    cycle.wait_for_close("10.7.0.1")
    check_equal(cycle.daemon.stop(limit_s=10), 0)
    (lab.dir / "clos.hangs").unlink()
    cycle.start()
    cycle.daemon.wait_for_line("An earlier fwknopd left a CMD_CYCLE_CLOSE command", start=0)
    wait_until(lambda: len(cycle.noted("closed")) == 2, what="the close again")
    check_equal(cycle.daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
