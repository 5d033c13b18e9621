# SPDX-License-Identifier: GPL-2.0-or-later
"""The sensors of running daemons, as the kernel sees them: user, capabilities, root, descriptors, limits, filter."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, configure, spawn
from harness import BUILD, check, check_equal, is_instrumented, main, program, wait_until
from lab import Lab, children

NOBODY = "65534"
# What a sensor may hold: its channel and packet sockets, the event loop, /dev/null in place of the standard streams.
DESCRIPTORS = re.compile(r"socket:\[\d+\]|anon_inode:\[(eventpoll|timerfd|signalfd|eventfd)\]|/dev/null( \(deleted\))?")


def has_filter():
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as file:
        return "#define LATCHKEY_SANDBOX 1" in file.read()


def start_knockd(lab, *options):
    conf = lab.write("knockd.conf", "[door]\nsequence = 7000,8000\ntcpflags = syn\ncommand = true\n")
    daemon = lab.gateway.spawn(program("knockd"), "-c", conf, "-i", lab.gateway.interface, "-v", *options, wrap=False)
    daemon.wait_for_line("listening on")
    return daemon


def start_fwknopd(lab, *options, conf=""):
    return spawn(lab, configure(lab, conf), *options, wrap=False)


def sensor_of(daemon):
    def named():
        return [pid for pid in children(daemon.pid) if read(pid, "comm").strip().endswith("sensor")]
    return wait_until(named, what="a sensor")[0]


def read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def status(pid):
    return dict(line.split(":\t", 1) for line in read(pid, "status").splitlines() if ":\t" in line)


def check_confined(pid, uid=NOBODY, is_filtered=True, spare_descriptors=0):
    facts = status(pid)
    check_equal(facts["Uid"].split(), [uid] * 4, "user")
    check("0" not in facts["Gid"].split(), f"group {facts['Gid']}")
    check_equal(facts["Groups"].split(), [], "supplementary groups")
    for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        check_equal(int(facts[f"Cap{kind}"], 16), 0, f"capabilities {kind}")
    check_equal(facts["NoNewPrivs"], "1", "NoNewPrivs")
    check_equal(facts["Seccomp"], "2" if is_filtered and has_filter() else "0", "filter")
    check(os.readlink(f"/proc/{pid}/root").endswith(" (deleted)"), "root: " + os.readlink(f"/proc/{pid}/root"))
    numbers = [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    for number in numbers:
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        check(DESCRIPTORS.fullmatch(target), f"descriptor {number}: {target}")
    limits = {line[:26].strip(): line[26:].split()[:2] for line in read(pid, "limits").splitlines()}
    for name in ("Max processes", "Max file size", "Max core file size"):
        check_equal(limits[name], ["0", "0"], name)
    free = set(range(int(limits["Max open files"][1]))) - set(numbers)
    check(len(free) <= spare_descriptors, f"descriptors that may be opened: {free}")


def test_knockd(lab):
    daemon = start_knockd(lab)
    pid = sensor_of(daemon)
    check_confined(pid)
    lab.client.run(program("knock"), lab.gateway.address, "7000", "8000")
    daemon.wait_for_line("OPEN SESAME")
    check_equal(sensor_of(daemon), pid, "the sensor that was there before the knock")


def test_fwknopd(lab):
    daemon = start_fwknopd(lab)
    pid = sensor_of(daemon)
    check_confined(pid)
    if not is_instrumented():  # AddressSanitizer makes mlock() do nothing
        check(int(status(pid)["VmLck"].split()[0]) > 0, "the keys are locked in memory")
    # The kernel gives the files of a process that must not be dumped to root.
    check_equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, "owner of the memory of nobody's process")
    ask(lab, "-A", "tcp/22")
    daemon.wait_for_line("Added access rule")
    check_equal(sensor_of(daemon), pid, "the sensor that was there before the packet")


def test_fwknopd_servers(lab):
    daemon = start_fwknopd(lab, conf="ENABLE_TCP_SERVER Y\n")
    pid = sensor_of(daemon)
    check_confined(pid, spare_descriptors=1)
    for _ in range(3):
        lab.client.wait_for_port(lab.gateway.address, 62201, "open")
    check_equal(sensor_of(daemon), pid, "the sensor that accepted connections")


def test_latchkey_conf(lab):
    suite = lab.write("latchkey.conf", "[sandbox]\nuser = daemon\nenable = no\n")
    for start in (start_knockd, start_fwknopd):
        daemon = start(lab, "--suite-conf", suite)
        check_confined(sensor_of(daemon), uid="1", is_filtered=False)
        daemon.stop()


def test_a_violation_is_told_and_survived(lab):
    for start in (start_knockd, start_fwknopd):
        daemon = start(lab)
        pid = sensor_of(daemon)
        os.kill(pid, signal.SIGSYS)
        daemon.wait_for_line(f"killed by signal {int(signal.SIGSYS)}")
        check(wait_until(lambda daemon=daemon: sensor_of(daemon), what="a new sensor") != pid, "the same process")
        daemon.stop()
        lab.outputs.remove(daemon)  # the lab takes such a line for a failure, rightly


def test_no_start_without_the_user(lab):
    suite = lab.write("latchkey.conf", "[sandbox]\nuser = no-such-user\n")
    conf = lab.write("knockd.conf", "[door]\nsequence = 7000,8000\ncommand = true\n")
    done = lab.gateway.run(program("knockd"), "-c", conf, "-i", lab.gateway.interface, "--suite-conf", suite, check=False)
    check_equal(done.returncode, 1, "exit status")
    check("no-such-user: no such user" in done.stdout + done.stderr, done.stdout + done.stderr)


if __name__ == "__main__":
    main(Lab)
