# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd and SIGHUP: what happens meanwhile, log files that are rotated, files that cannot be read."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_tools, wait_until
from knockd_program import DOOR, LOG, conf, knock, knock_opens, log, start
from lab import Lab

ONE_TIME = "[D]\none_time_sequences=@/S\ntcpflags=syn\ncommand=echo D >> @/out\n"
OTHER = "[E]\nsequence=6000\ntcpflags=syn\ncommand=echo E >> @/out\n"


def has_waiting_message(lab):
    """Whether something has been sent to a process that has not read it yet."""
    return any(line.split()[2] != "0" for line in lab.gateway.run("ss", "-xH").stdout.splitlines())


def open_during_a_reload(lab, sequences):
    """The doors of the reload are in another order: what is sent of D must not reach E."""
    need_tools("ss")
    lab.write("S", sequences)
    daemon = start(lab, LOG + ONE_TIME + OTHER)
    conf(lab, LOG + OTHER + ONE_TIME)
    # The monitor wakes up to the signal first, then to what the sensor has told.
    daemon.send_signal(signal.SIGSTOP)
    daemon.send_signal(signal.SIGHUP)
    source, late = knock(lab, 7000, 7001), knock(lab, 7000, 7001)
    wait_until(lambda: has_waiting_message(lab), what="the sensor's message")
    daemon.send_signal(signal.SIGCONT)
    daemon.wait_for_line(f"{source}: D: OPEN SESAME")
    daemon.wait_for_line("re-opening log file")
    knock_opens(lab, ports=(6000,), door="E")
    check(not any(f"{late}: D: Stage 2" in line for line in log(lab)), "a sequence has been used twice")
    return daemon


def test_a_one_time_sequence_is_used_while_the_file_is_read(lab):
    daemon = open_during_a_reload(lab, " 7000,7001\n 8000,8001\n 9000,9001\n")
    knock_opens(lab, ports=(8000, 8001), door="D")
    check_equal((lab.dir / "S").read_text(), "#7000,7001\n#8000,8001\n 9000,9001\n")
    check_equal(daemon.stop(), 15)


def test_the_last_one_time_sequence_is_used_while_the_file_is_read(lab):
    daemon = open_during_a_reload(lab, " 7000,7001\n")
    daemon.wait_for_line("no more sequences left in the one time sequences file for door D --> disabling the door")
    knock_opens(lab, ports=(6000,), door="E")
    knock(lab, 7000, 7001)
    knock_opens(lab, ports=(6000,), door="E")
    check_equal((lab.dir / "out").read_text().count("D"), 1)
    check_equal(daemon.stop(), 15)


def test_a_one_time_sequence_is_withdrawn(lab):
    lab.write("S", " 7000,7001\n")
    daemon = start(lab, LOG + ONE_TIME)
    lab.write("S", " 8000,8001\n 9000,9001\n")
    knock(lab, 7000, 7001)
    daemon.wait_for_line("door D is not in its one time sequences file any more --> not opening the door")
    knock_opens(lab, ports=(8000, 8001), door="D")
    check_equal(daemon.stop(), 15)
    check_equal((lab.dir / "out").read_text(), "D\n")
    check_equal((lab.dir / "S").read_text(), "#8000,8001\n 9000,9001\n")


def test_a_rotated_log_file(lab):
    daemon = start(lab, LOG + DOOR)
    knock_opens(lab)
    (lab.dir / "log").rename(lab.dir / "log.1")
    source = knock(lab, 7000, 8000)
    wait_until(lambda: f"{source}: A: OPEN SESAME" in log(lab, "log.1"), what="a line in the renamed file")
    daemon.send_signal(signal.SIGHUP)
    knock_opens(lab)
    check(f"{source}: A: OPEN SESAME" not in log(lab), "the new file begins anew")
    # The way of "copytruncate".
    os.truncate(lab.dir / "log", 0)
    knock_opens(lab)
    check(b"\0" not in (lab.dir / "log").read_bytes(), "lines are appended to what is there")
    check_equal(daemon.stop(), 15)


def test_a_log_file_that_cannot_be_opened(lab):
    daemon = start(lab, LOG + DOOR)
    conf(lab, "[options]\nlogfile=@/none/log\n" + DOOR)
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: log(lab)[-1:] == ["warning: cannot open logfile: No such file or directory"], what="the warning in the old file")
    knock_opens(lab)
    (lab.dir / "none").mkdir()
    daemon.send_signal(signal.SIGHUP)
    knock_opens(lab, "none/log")
    check_equal(daemon.stop(), 15)


def test_a_door_that_is_disabled_is_told_in_the_log(lab):
    text = "[d]\nsequence=x\n" + DOOR + LOG + "UseSyslog\n"
    wanted = 'config: line 2: port "x" is invalid --> disabling the door'
    syslog = lab.syslog()
    daemon = start(lab, text)
    check_equal(log(lab)[:2], [wanted, f"starting up, listening on {lab.gateway.interface}"])
    syslog.wait_for_line("port .x. is invalid")
    check_equal(daemon.text().splitlines().count(wanted), 1)
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: log(lab).count(wanted) == 2, what="the line again")
    check_equal(daemon.stop(), 15)


if __name__ == "__main__":
    main(Lab)
