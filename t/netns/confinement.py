# SPDX-License-Identifier: GPL-2.0-or-later
"""The sensors of running daemons, as the kernel sees them: user, capabilities, root, descriptors, limits, filter."""
import ctypes
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, configure, spawn
from harness import BUILD, Skip, check, check_equal, is_instrumented, main, program, wait_until
from lab import Lab, children
from output import libc

NOBODY = "65534"
SYS_pidfd_getfd, SO_DETACH_FILTER, SO_LOCK_FILTER = 438, 27, 44
# What a sensor may hold: its channel and packet sockets, the event loop, /dev/null in place of the standard streams.
DESCRIPTORS = re.compile(r"socket:\[\d+\]|anon_inode:\[(eventpoll|timerfd|signalfd|eventfd)\]|/dev/null( \(deleted\))?")


def has_filter():
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as file:
        return "#define LATCHKEY_SANDBOX 1" in file.read()


def start_knockd(lab, *options, command="true"):
    conf = lab.write("knockd.conf", f"[door]\nsequence = 7000,8000\ntcpflags = syn\ncommand = {command}\n")
    daemon = lab.gateway.spawn(program("knockd"), "-c", conf, "-i", lab.gateway.interface, "-v", *options, wrap=False)
    daemon.wait_for_line("listening on")
    return daemon


def start_fwknopd(lab, *options, conf="", stanza=""):
    return spawn(lab, configure(lab, conf, stanza), *options, wrap=False)


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
    check_equal(facts["Threads"], "1", "threads")
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


# What /proc/PID/status says of the confinement.
STATUS_FACTS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
                "Seccomp_filters", "SigBlk", "SigIgn", "SigCgt", "Threads")


def facts(pid):
    """Everything about a sensor that must not differ between the first one and those that follow it."""
    known = status(pid)
    return {
        **{name: known.get(name) for name in STATUS_FACTS},
        "locked memory": known.get("VmLck") != "       0 kB",
        "limits": read(pid, "limits"),
        "links": {name: re.sub(r"latchkey-empty-\w+", "latchkey-empty", os.readlink(f"/proc/{pid}/{name}"))
                  for name in ("root", "cwd")},
        "namespaces": {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in os.listdir(f"/proc/{pid}/ns")},
        "descriptors": sorted(re.sub(r"\d+", "N", os.readlink(f"/proc/{pid}/fd/{name}")) for name in os.listdir(f"/proc/{pid}/fd")),
        "may be dumped": os.stat(f"/proc/{pid}/mem").st_uid != 0,
        "session": os.getsid(pid) == pid,
    }


def wait_for_the_next(daemon, pid, wanted):
    """The sensor that follows `pid`, once it is confined as `wanted` says: it was forked from the monitor a moment ago."""
    seen = {}

    def is_as_wanted():
        seen.clear()
        for other in children(daemon.pid):
            try:
                if other != pid and read(other, "comm").strip().endswith("sensor"):
                    seen.update(facts(other))
                    if seen == wanted:
                        return [other]
            except OSError:
                continue
        return []
    try:
        return wait_until(is_as_wanted, what="a sensor that is confined as the first")[0]
    except AssertionError:
        differing = {name: (wanted[name], seen.get(name)) for name in wanted if seen.get(name) != wanted[name]}
        raise AssertionError(f"the next sensor is not confined as the first (first, next): {differing}") from None


LISTER = """#!/usr/bin/env python3
import json, os
links = {}
for name in os.listdir("/proc/self/fd"):
    try:
        links[name] = os.readlink("/proc/self/fd/" + name)
    except OSError:
        pass  # the listing's own
with open("/proc/self/status") as file:
    blocked = [line.split()[1] for line in file if line.startswith("SigBlk:")][0]
with open(RESULT + ".new", "w") as file:
    json.dump({"links": links, "blocked": blocked}, file)
os.rename(RESULT + ".new", RESULT)
"""


def what_a_command_inherits(lab, start, trigger, **how):
    result = f"{lab.dir}/inherited"
    lister = lab.write("lister", LISTER.replace("RESULT", repr(result)), mode=0o755)
    daemon = start(lab, **{name: text.format(lister) for name, text in how.items()})
    for pid in [daemon.pid, *children(daemon.pid)]:
        check_close_on_exec(pid)
    trigger(lab)
    inherited = json.loads(wait_until(lambda: read_file(result), what="a command that has run"))
    daemon.stop()
    return inherited


def read_file(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_close_on_exec(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        if int(number) > 2:
            found = re.search(r"flags:\s+(\d+)", read(pid, f"fdinfo/{number}"))
            if not found:
                continue  # closed since it was listed
            flags = int(found.group(1), 8)
            check(flags & os.O_CLOEXEC, f"{read(pid, 'comm').strip()}: {number} is not close-on-exec: "
                  + os.readlink(f"/proc/{pid}/fd/{number}"))


def check_inherits_nothing(inherited):
    for number, target in inherited["links"].items():
        # knockd in the foreground shares its output with its commands, as the peer does.
        check(int(number) <= 2 and re.match(r"/dev/null|pipe:|.*/output\.", target), f"{number}: {target}")
    check_equal(int(inherited["blocked"], 16), 0, "blocked signals")


def test_commands_inherit_nothing(lab):
    knock = lambda lab: lab.client.run(program("knock"), lab.gateway.address, "7000", "8000")  # noqa: E731
    check_inherits_nothing(what_a_command_inherits(lab, start_knockd, knock, command="{}"))
    os.unlink(lab.dir / "inherited")
    check_inherits_nothing(what_a_command_inherits(
        lab, start_fwknopd, lambda lab: ask(lab, "-A", "tcp/22"), stanza="CMD_CYCLE_OPEN {}\nCMD_CYCLE_CLOSE NONE\nCMD_CYCLE_TIMER 10\n"))


def test_knockd(lab):
    daemon = start_knockd(lab)
    pid = sensor_of(daemon)
    check_confined(pid)
    check_equal(status(daemon.pid)["Threads"], "1", "threads of the monitor")
    lab.client.run(program("knock"), lab.gateway.address, "7000", "8000")
    daemon.wait_for_line("OPEN SESAME")
    check_equal(sensor_of(daemon), pid, "the sensor that was there before the knock")


def test_fwknopd(lab):
    daemon = start_fwknopd(lab)
    pid = sensor_of(daemon)
    check_confined(pid)
    check_equal(status(daemon.pid)["Threads"], "1", "threads of the monitor")
    if not is_instrumented():  # AddressSanitizer makes mlock() do nothing
        check(int(status(pid)["VmLck"].split()[0]) > 0, "the keys are locked in memory")
    # The kernel gives the files of a process that must not be dumped to root.
    check_equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, "owner of the memory of nobody's process")
    ask(lab, "-A", "tcp/22")
    daemon.wait_for_line("Added access rule")
    check_equal(sensor_of(daemon), pid, "the sensor that was there before the packet")


def test_the_next_sensor_is_confined_as_the_first(lab):
    """After a death of any kind, twice; and it works."""
    def knock_opens(daemon):
        lab.client.run(program("knock"), lab.gateway.address, "7000", "8000")
        daemon.wait_for_line("OPEN SESAME")

    ports = iter(range(22, 99))

    def packet_opens(daemon):
        ask(lab, "-A", f"tcp/{next(ports)}")
        daemon.wait_for_line("Added access rule")

    for start, works in ((start_knockd, knock_opens), (start_fwknopd, packet_opens)):
        daemon = start(lab)
        pid = sensor_of(daemon)
        check_confined(pid)
        wanted = facts(pid)
        for death in (signal.SIGSEGV, signal.SIGKILL):
            os.kill(pid, death)
            pid = wait_for_the_next(daemon, pid, wanted)
            check_confined(pid)
            works(daemon)
        daemon.stop()


def sockets_of(pid):
    """Copies of the packet sockets of another process, for a test to ask."""
    pidfd = os.pidfd_open(pid)
    try:
        for number in [int(name) for name in os.listdir(f"/proc/{pid}/fd")]:
            if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                continue
            copy = libc.syscall(SYS_pidfd_getfd, pidfd, number, 0)
            if copy < 0:
                raise Skip("no copy of another's descriptor: " + os.strerror(ctypes.get_errno()))
            taken = socket.socket(fileno=copy)
            if taken.family == socket.AF_PACKET:
                yield taken
            taken.close()
    finally:
        os.close(pidfd)


def test_the_filter_of_fwknopds_capture_is_locked(lab):
    daemon = start_fwknopd(lab)
    sockets = 0
    for taken in sockets_of(sensor_of(daemon)):
        sockets += 1
        check_equal(taken.getsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER), 1, "SO_LOCK_FILTER")
        try:
            taken.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        except PermissionError:
            continue
        raise AssertionError("root has detached the filter")
    check_equal(sockets, 1, "packet sockets of the sensor")


def test_fwknopd_servers(lab):
    daemon = start_fwknopd(lab, conf="ENABLE_TCP_SERVER Y\n")
    pid = sensor_of(daemon)
    check_confined(pid, spare_descriptors=1)
    for _ in range(3):
        lab.client.wait_for_port(lab.gateway.address, 62201, "open")
    check_equal(sensor_of(daemon), pid, "the sensor that accepted connections")


def leaves_a_core(pid):
    os.kill(pid, signal.SIGSEGV)
    return os.WCOREDUMP(os.waitpid(pid, 0)[1])


def test_a_fwknopd_that_crashes_leaves_no_core(lab):
    """Not even of the monitor, which holds the keys as well, and where the administrator wants cores."""
    if is_instrumented():
        raise Skip("a sanitizer catches the signal")
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    if not leaves_a_core(subprocess.Popen(["sleep", "60"], cwd=lab.dir).pid):
        raise Skip("no program leaves a core here")
    daemon = spawn(lab, configure(lab), wrap=False, cwd=lab.dir)
    check(not leaves_a_core(daemon.pid), "a core of the monitor")


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
