# SPDX-License-Identifier: GPL-2.0-or-later
"""Every call of the C library that the monitor of a running fwknopd makes for a grant, its end, and the end of the daemon
fails once: it lives, says why nothing was opened, and leaves no rule."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from fwknopd_lab import READY, ask, configure, spawn
from harness import check, check_equal, find_line, main, wait_until
from lab import Lab, children
from preload import FailingCalls, check_idle, fail_each

CALLS = ("read", "write", "open", "fdatasync", "lseek", "rename", "vfork", "execve", "dup2", "waitpid", "pipe2", "memfd_create", "send", "recvmsg",
         "poll", "epoll_ctl", "timerfd_settime")
LOOP_CALLS = ("read", "epoll_ctl", "timerfd_settime", "waitpid")
STEP = 7
ENDED = "Added access rule|Could not|could not be|refuse|rror|has ended"


def rules(lab):
    return [rule for rule in lab.gateway.rules() if "_exp_" in rule]


def test_grants(lab):
    calls = FailingCalls(lab)
    files = configure(lab)
    ports = iter(range(1000, 60000))

    def grant_once(what):
        begin = len(daemon.lines())
        ask(lab, "-A", f"tcp/{next(ports)}", "-f", "1")

        def has_ended():
            return calls.fired() and rules(lab) or any(re.search(ENDED, line) for line in daemon.lines()[begin:]) or not daemon.alive()
        wait_until(has_ended, what=f"an end of {what}")
        check(daemon.alive(), f"{what}: the daemon has ended")
        wait_until(lambda: not rules(lab), what=f"{what}: all rules gone")
        wait_until(lambda: daemon.text().count(READY) > daemon.text().count("has ended"), what=f"{what}: a sensor")

    counts = {}
    for name in CALLS:
        daemon = spawn(lab, files, wrap=False, env=calls.environment)
        counts[name] = fail_each(calls, name, grant_once)
        grant_once("nothing")
        check("Added access rule" in daemon.text(), f"{name}: nothing was ever granted")
        if name in LOOP_CALLS:
            check_idle(daemon)
        check_equal(daemon.stop(), 0, "exit status")
        check_equal([rule for rule in lab.gateway.rules() if "FWKNOP" in rule], [], f"{name}: left after the end")
    print(f"calls of a grant that failed once: {counts}")
    check(sum(counts.values()) > 40, "hardly anything failed")


def test_memory(lab):
    """A daemon without memory ends with a line, and the next one leaves no rule."""
    calls = FailingCalls(lab)
    files = configure(lab)
    daemons = [spawn(lab, files, wrap=False, env=calls.environment)]
    ports = iter(range(1000, 60000))

    def grant_once(what):
        daemon = daemons[-1]
        begin = len(daemon.lines())
        ask(lab, "-A", f"tcp/{next(ports)}", "-f", "1")
        wait_until(lambda: not daemon.alive() or find_line(daemon.lines(), "Removed rule", begin)[0], what=f"an end of {what}")
        calls.clear()
        if not daemon.alive():
            check_equal(daemon.wait(), 1, f"{what}: exit status")
            check("bad_alloc" in daemon.text(), f"{what}: ended without a word: {daemon.text()}")
            daemons.append(spawn(lab, files, wrap=False, env=calls.environment))
        wait_until(lambda: not rules(lab), what=f"{what}: all rules gone")

    count = fail_each(calls, "malloc", grant_once, step=STEP)
    print(f"allocations of a grant, of which every {STEP}th failed once: {count}")
    check_equal(daemons[-1].stop(), 0, "exit status")


def test_sensors_that_cannot_be_replaced_at_once(lab):
    calls = FailingCalls(lab)
    files = configure(lab)
    for name in ("fork", "socketpair", "pipe2", "read", "recvmsg", "epoll_ctl"):
        daemon = spawn(lab, files, wrap=False, env=calls.environment)
        calls.fail(name, 1)
        sensor = next(pid for pid in children(daemon.pid) if open(f"/proc/{pid}/comm").read().startswith("fwknopd"))
        os.kill(sensor, signal.SIGKILL)
        wait_until(calls.fired, what=f"{name} that fails")
        calls.clear()
        daemon.wait_for_line(READY)
        ask(lab, "-A", "tcp/22", "-f", "1")
        daemon.wait_for_line("Added access rule")
        check_equal(daemon.stop(), 0, "exit status")


if __name__ == "__main__":
    main(Lab)
