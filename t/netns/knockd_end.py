# SPDX-License-Identifier: GPL-2.0-or-later
"""How knockd ends: signals while commands run, an interface that is gone for good, stop commands of many doors."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, program, wait_until
from knock_packets import sensors, write_capture
from knockd_program import DOOR, LOG, conf, knock, knock_opens, log, start
from lab import Lab, children


def text(lab, name="out"):
    path = lab.dir / name
    return path.read_text() if path.exists() else ""


def test_the_last_signal_is_the_status_and_all_commands_are_waited_for(lab):
    command = "echo begun >> @/out; until test -e @/free$(grep -c begun @/out); do sleep 0.02; done; echo ended >> @/out"
    daemon = start(lab, LOG + f"[A]\nsequence=7000\ntcpflags=syn\ncommand={command}\ncmd_timeout=600\nstop_command=echo closed >> @/out\n")
    for count in (1, 2):
        knock(lab, 7000)
        wait_until(lambda: text(lab).count("begun") == count, what="the command")
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_for_line("waiting for child processes...")
    # Nobody gets in any more.
    knock(lab, 7000)
    daemon.send_signal(signal.SIGINT)
    wait_until(lambda: daemon.text().count("waiting for child processes...") == 2, what="a second line")
    (lab.dir / "free1").touch()
    (lab.dir / "free2").touch()
    check_equal(daemon.wait(), signal.SIGINT)
    check_equal(sorted(text(lab).splitlines()), ["begun"] * 2 + ["closed"] * 2 + ["ended"] * 2)
    check_equal(daemon.lines()[-1], "closing...")
    check_equal(log(lab)[-1], "shutting down")


def test_many_doors_are_closed_one_by_one(lab):
    """As commands do that change a file: two at a time, and one change is lost."""
    count = 40
    lab.write("open", "".join(f"10.9.4.{n}\n" for n in range(1, count + 1)))
    remove = "grep -v %IP%$ @/open > @/$$ ; sleep 0.01; mv @/$$ @/open"
    daemon = start(lab, LOG + f"[A]\nsequence=7000\ntcpflags=syn\ncommand=true\ncmd_timeout=600\nstop_command={remove}\n")
    for n in range(1, count + 1):
        knock(lab, 7000, source=f"10.9.4.{n}")
    wait_until(lambda: daemon.text().count("OPEN SESAME") == count, what="the doors open")
    check_equal(daemon.stop(), 15)
    check_equal(text(lab, "open"), "")
    check(not any("non-zero" in line for line in log(lab)), "a command has failed")


def test_an_interface_that_is_gone_for_good(lab):
    daemon = start(lab, LOG + DOOR)
    lab.gateway.run("ip", "link", "del", lab.gateway.interface)
    daemon.wait_for_line("no interface is left, waiting 15 s for one to come back")
    check_equal(daemon.wait(), 1)
    check_equal(daemon.lines()[-3:], ["pcap: The interface disappeared", "waiting for child processes...", "closing..."])
    check_equal(log(lab)[-1], "shutting down")


def test_settings_that_a_reload_takes_away(lab):
    syslog = lab.syslog()
    daemon = start(lab, LOG + "UseSyslog\n" + DOOR)
    syslog.wait_for_line("knockd: starting up")
    conf(lab, DOOR)
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line("re-opening log file: $")
    source = knock(lab, 7000, 8000)
    daemon.wait_for_line(f"{source}: A: OPEN SESAME")
    conf(lab, LOG + DOOR)
    daemon.send_signal(signal.SIGHUP)
    knock_opens(lab)
    check(not any(source in line for line in log(lab)), "the log file was closed")
    check_equal(daemon.stop(), 15)
    check(not any("OPEN SESAME" in line for line in syslog.text().splitlines()), "syslog was closed")


def is_pending(daemon, number):
    with open(f"/proc/{daemon.pid}/status", encoding="utf-8") as file:
        return int(re.search(r"^ShdPnd:\s*(\w+)$", file.read(), re.M)[1], 16) >> (number - 1) & 1


def test_a_reload_while_another_one_is_under_way(lab):
    """The sensor has not taken the doors of the first one yet; those of the second are what counts."""
    daemon = start(lab, LOG + DOOR)
    sensor = sensors(children(daemon.pid))[0]
    os.kill(sensor, signal.SIGSTOP)
    for port in (7100, 7101):
        conf(lab, LOG + f"[B]\nsequence={port}\ntcpflags=syn\n")
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: not is_pending(daemon, signal.SIGHUP), what="the signal is read")
    check_equal(log(lab).count(f"re-reading config file: {lab.dir}/conf"), 1)
    os.kill(sensor, signal.SIGCONT)
    knock_opens(lab, ports=(7101,), door="B")
    check_equal(daemon.stop(), 15)


def test_an_end_before_the_beginning(lab):
    """The lines of the end are told although those of the beginning never were."""
    write_capture(lab.dir / "capture", [], link=105)
    done = lab.gateway.run(program("knockd"), "-c", conf(lab, LOG + DOOR), "-i", lab.gateway.interface, "-v", "--replay",
                           lab.dir / "capture", check=False)
    check_equal((done.returncode, done.stderr), (1, "error: unsupported link-layer type: 105\n"))
    check_equal(done.stdout.splitlines(), ["waiting for child processes...", "closing..."])
    check_equal(log(lab), ["shutting down"])


if __name__ == "__main__":
    main(Lab)
