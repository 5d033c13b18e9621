# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd's disk is full; commands of its doors never end: other doors work, nothing is lost, the end comes."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import build_path, check, check_equal, main, wait_until
from knockd_trial import Trial
from lab import Lab

JOURNAL_FAILURE = "error: stop commands would not survive a crash: .*No space left on device"
LONGEST_END_S = 60
JOURNALS = f"{build_path('runstatedir')}/latchkey"


def mount_small(lab, path, size="32k"):
    lab.gateway.run("mkdir", "-p", path)
    lab.gateway.run("mount", "-t", "tmpfs", "-o", f"size={size}", "small", path)


def fill(lab, path):
    lab.gateway.run("sh", "-c", f"dd if=/dev/zero of={path}/filler bs=1k 2>/dev/null; true")


def test_full_disk_under_the_journal(lab):
    """Doors open and close; the failure is told once; what is open when there is room again survives a crash."""
    mount_small(lab, JOURNALS)
    trial = Trial(lab, open_s=3)
    daemon = trial.start()
    fill(lab, JOURNALS)
    sources = [trial.knock() for _ in range(100)]
    for source in sources:
        trial.wait_for_stop(source)
    check_equal(len([line for line in daemon.lines() if "would not survive" in line]), 1, "lines about the journal")
    daemon.wait_for_line(JOURNAL_FAILURE, start=0)
    survivors = [trial.knock_and_wait()]
    os.unlink(f"{JOURNALS}/filler")
    survivors.append(trial.knock_and_wait())
    daemon.send_signal(9)
    daemon.wait()
    daemon = trial.start()
    for source in survivors:
        daemon.wait_for_line(f"{source}: door: stop command of an earlier run")
        trial.wait_for_stop(source)
    trial.stop()
    lab.gateway.run("umount", JOURNALS)


def test_full_disk_at_the_start(lab):
    """What a crash left over is closed all the same."""
    mount_small(lab, JOURNALS)
    trial = Trial(lab, open_s=3)
    daemon = trial.start()
    source = trial.knock_and_wait()
    daemon.send_signal(9)
    daemon.wait()
    fill(lab, JOURNALS)
    trial.start().wait_for_line(JOURNAL_FAILURE, start=0)
    trial.wait_for_stop(source)
    trial.stop()
    lab.gateway.run("umount", JOURNALS)


def test_full_disk_under_the_log(lab):
    mount_small(lab, lab.dir / "logs")
    trial = Trial(lab, log=lab.dir / "logs/log")
    trial.start()
    fill(lab, lab.dir / "logs")
    trial.wait_for_stop(trial.knock())
    (lab.dir / "logs/log").rename(lab.dir / "logs/log.1")
    trial.wait_for_stop(trial.knock())
    os.unlink(lab.dir / "logs/filler")
    source = trial.knock()
    trial.wait_for_stop(source)
    wait_until(lambda: source in (lab.dir / "logs/log.1").read_text(), what="lines when there is room again")
    trial.stop()


def test_a_log_file_that_cannot_be_opened_anew(lab):
    """The one that is open stays in use."""
    (lab.dir / "logs").mkdir()
    trial = Trial(lab, log=lab.dir / "logs/log")
    daemon = trial.start()
    os.rename(lab.dir / "logs", lab.dir / "elsewhere")
    daemon.send_signal(1)
    daemon.wait_for_line("warning: cannot open logfile: No such file or directory")
    source = trial.knock()
    trial.wait_for_stop(source)
    text = (lab.dir / "elsewhere/log").read_text()
    check("cannot open logfile" in text and source in text, f"the old log file: {text}")
    trial.stop()


def test_commands_that_never_end(lab):
    """A start command of one, a stop command of another knocker; the rest of the world goes on, and what is not done at
    the end of the daemon is done by the next."""
    never = "case $1 in *.{}) exec sleep 1000;; esac"
    start, stop = lab.write("start", never.format(1)), lab.write("stop", never.format(2))
    trial = Trial(lab, start=f"sh {start} %IP%", stop=f"sh {stop} %IP%")
    daemon = trial.start()
    never_started, never_stopped = trial.knock(), trial.knock()
    wait_until(lambda: never_started in trial.noted("started"), what="the start command that never ends")
    trial.wait_for_stop(never_stopped)
    for _ in range(20):
        trial.wait_for_stop(trial.knock())
    check(never_started not in trial.noted("stopped"), "the stop command did not wait for the start command")
    stop.write_text("")
    begin = time.monotonic()
    check_equal(daemon.stop(limit_s=LONGEST_END_S + 20), 15)
    check(time.monotonic() - begin < LONGEST_END_S + 10, "the end took too long")
    check_equal(trial.open_doors(), [never_started])
    trial.start()
    trial.wait_for_stop(never_started)
    wait_until(lambda: trial.noted("stopped").count(never_stopped) == 2, what="the other stop command again")
    trial.stop()


if __name__ == "__main__":
    main(Lab)
