# SPDX-License-Identifier: GPL-2.0-or-later
"""Every call of the C library that a running knockd makes fails once, the first, the second, and so on: at an opening and
its end, with one-time sequences, at a reload, at the end. It lives, says so, closes what it opened, and serves the next."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import check, check_equal, main, wait_until
from knock_packets import sensors
from knockd_trial import Trial
from lab import Lab, children
from preload import FailingCalls, check_idle, fail_each

# What an opening, its end and the reports before it make, in the monitor and between vfork and execve.
CALLS = ("read", "write", "open", "fdatasync", "lseek", "vfork", "execve", "waitpid", "pipe2", "recvmsg", "epoll_ctl",
         "timerfd_settime")
LOOP_CALLS = ("read", "epoll_ctl", "timerfd_settime", "waitpid")
TROUBLE = "error|warning|disabling"


def troubled_lines(daemon, start=0):
    return [line for line in daemon.lines()[start:] if re.search(TROUBLE, line)]


def test_openings(lab):
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment)

    def knock_once(what):
        begin = len(trial.daemon.lines())
        source = trial.knock()
        wait_until(lambda: source in trial.noted("stopped") or "sensor has ended" in "\n".join(troubled_lines(trial.daemon, begin)),
                   what=f"an end of {source} under {what}")
        check(trial.daemon.alive(), f"{what}: the daemon has ended")
        told = troubled_lines(trial.daemon, begin)
        check(source in trial.noted("started") or told, f"{what}: not opened, and nothing said")
        check(len(told) <= 2, f"{what}: said more than once: {told}")
        wait_until(lambda: not trial.open_doors(), what=f"all closed after {what}")
        calls.clear()
        if told:
            trial.knock_until_served()

    counts = {}
    for name in CALLS:
        trial.start()
        trial.knock_until_served()
        counts[name] = fail_each(calls, name, knock_once)
        trial.knock_until_served()
        if name in LOOP_CALLS:
            check_idle(trial.daemon)
        trial.stop()
    print(f"calls of an opening that failed once: {counts}")
    check(sum(counts.values()) > 20, "hardly anything failed")


def test_one_time_sequences(lab):
    """A sequence that is not marked opens nothing; the door is closed for everybody until a reload, and says so."""
    calls = FailingCalls(lab)
    ports = [(5000 + i, 6000 + i) for i in range(400)]
    file = lab.write("sequences", "".join(f"{a},{b}\n" for a, b in ports))
    trial = Trial(lab, calls.environment, lock=f"one_time_sequences = {file}")
    trial.start()

    def next_ports():
        return [int(port) for port in next(line for line in file.read_text().split() if line[0] != "#").split(",")]

    def knock_once(what):
        before = next_ports()
        begin = len(trial.daemon.lines())
        source = trial.knock(before)
        wait_until(lambda: source in trial.noted("stopped") or troubled_lines(trial.daemon, begin), what=f"an end of {source} under {what}")
        calls.clear()
        check(trial.daemon.alive(), f"{what}: the daemon has ended")
        if source in trial.noted("started"):
            check(next_ports() != before, f"{what}: opened by a sequence that can be used again")
        trial.daemon.send_signal(signal.SIGHUP)
        trial.daemon.wait_for_line("closing log file", start=begin)
        wait_until(lambda: not trial.open_doors(), what=f"all closed after {what}")
        trial.knock_until_served(next_ports)

    counts = {name: fail_each(calls, name, knock_once) for name in ("pread", "pwrite", "fsync")}
    print(f"calls with a one-time sequence that failed once: {counts}")
    check(all(counts.values()), "not all of them are made")
    trial.stop()


def test_reloads(lab):
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment)
    trial.start()

    def reload(is_over):
        begin = len(trial.daemon.lines())
        trial.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: is_over() or any("closing log file" in line for line in trial.daemon.lines()[begin:]), what="an end of a reload")

    def reload_once(what):
        reload(lambda: calls.fired() > 0)
        trial.knock_until_served()
        calls.clear()
        check(trial.daemon.alive(), f"{what}: the daemon has ended")
        reload(lambda: False)

    counts = {name: fail_each(calls, name, reload_once) for name in ("open", "read", "write", "send")}
    print(f"calls of a reload that failed once: {counts}")
    check_idle(trial.daemon)
    trial.stop()


def test_ends(lab):
    """What is open is closed, whatever fails."""
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment, open_s=600)

    counts = {}
    for name in ("read", "write", "open", "fdatasync", "vfork", "execve", "waitpid", "pipe2", "epoll_ctl", "timerfd_settime"):
        for nth in range(1, 100):
            calls.clear()
            trial.start()
            trial.knock_and_wait()
            calls.fail(name, nth)
            trial.stop()
            counts[name] = nth - 1
            if not calls.fired():
                break
    print(f"calls of an end that failed once: {counts}")


def test_memory(lab):
    """A daemon without memory ends with a line, and the next one closes what it had opened."""
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment)
    trial.start()

    def knock_once(what):
        daemon, source = trial.daemon, trial.knock()
        wait_until(lambda: source in trial.noted("stopped") or not daemon.alive(), what=f"an end of {source} under {what}")
        calls.clear()
        if not daemon.alive():
            check_equal(daemon.wait(), 1, f"{what}: exit status")
            check("bad_alloc" in daemon.text(), f"{what}: ended without a word: {daemon.text()}")
            trial.start()
        wait_until(lambda: not trial.open_doors(), what=f"all closed after {what}")

    count = fail_each(calls, "malloc", knock_once)
    print(f"allocations of an opening that failed once: {count}")
    trial.stop()


def test_starts(lab):
    """It runs, or ends with a line and status 1; no sensor stays."""
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment)
    log = lab.dir / "log"

    def start_once(what):
        log.unlink(missing_ok=True)
        daemon = trial.daemon = trial.spawn()
        wait_until(lambda: not daemon.alive() or "listening on" in daemon.text() or log.exists() and "starting up" in log.read_text(),
                   what=f"an end of the start with {what}")
        if daemon.alive():
            trial.stop()
        else:
            check_equal(daemon.wait(), 1, f"exit status with {what}: {daemon.text()}")
            check(daemon.text(), f"{what}: ended without a word")

    counts = {name: fail_each(calls, name, start_once) for name in ("open", "read", "write", "fork", "socketpair", "pipe2", "epoll_ctl", "recvmsg")}
    print(f"calls of a start that failed once: {counts}")


def test_sensors_that_cannot_be_replaced_at_once(lab):
    calls = FailingCalls(lab)
    trial = Trial(lab, calls.environment)
    for name in ("fork", "socketpair", "pipe2", "read", "recvmsg", "epoll_ctl"):
        daemon = trial.start()
        trial.knock_until_served()
        calls.fail(name, 1)
        os.kill(sensors(children(daemon.pid))[0], signal.SIGKILL)
        wait_until(calls.fired, what=f"{name} that fails")
        trial.knock_until_served()
        calls.clear()
        trial.stop()


if __name__ == "__main__":
    main(Lab)
