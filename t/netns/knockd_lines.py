# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd's lines when many come at once, and when nobody reads any."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, program, wait_until
from knock_packets import Sender, ip, tcp
from lab import Lab

DOOR = "[A]\nsequence=7000,8000\ntcpflags=syn\ncommand=echo %IP% >> @/out\n"


def write(lab, text):
    return lab.write("conf", text.replace("@", str(lab.dir)))


def sensor_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read())


def switches(pid):
    """How often the process has gone to sleep."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"\nvoluntary_ctxt_switches:\t(\d+)", file.read())[1])


def hit_one_by_one(lab, daemon, sources):
    """First hits, each sent when the sensor sleeps again after the one before."""
    sender, sensor = Sender(lab.client, lab.gateway), sensor_of(daemon.pid)
    for source in sources:
        before = switches(sensor)
        sender.send(ip(source, lab.gateway.address, tcp(7000)))
        wait_until(lambda: switches(sensor) > before, what=f"the hit of {source}")
    sender.close()


def knock(lab, source, limit_s=None):
    sender = Sender(lab.client, lab.gateway)
    sender.send(*(ip(source, lab.gateway.address, tcp(port)) for port in (7000, 8000)))
    sender.close()
    wait_until(lambda: (lab.dir / "out").exists() and source in (lab.dir / "out").read_text().split(), limit_s,
               f"door open for {source}")


def test_first_hits_that_nobody_reads_of_leave_the_monitor_asleep(lab):
    # Nothing is printed without -v: the first opened door tells that it listens.
    daemon = lab.gateway.spawn(program("knockd"), "-c", write(lab, DOOR), "-i", lab.gateway.interface)
    sources = (f"10.9.3.{i}" for i in range(1, 255))

    def opens():
        try:
            knock(lab, next(sources), 0.3)
        except AssertionError:
            return False
        return True

    wait_until(opens, what="the first opened door")
    hit_one_by_one(lab, daemon, ["10.9.4.1"])
    before = switches(daemon.pid)
    hit_one_by_one(lab, daemon, [f"10.9.4.{i}" for i in range(2, 42)])
    check_equal(switches(daemon.pid), before, "the monitor woke up")
    # With a log file after a reload, there is somebody to tell; and nobody again.
    write(lab, "[options]\nlogfile=@/log\n" + DOOR)
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: (lab.dir / "log").exists(), what="the log")
    hit_one_by_one(lab, daemon, ["10.9.5.1"])
    wait_until(lambda: "10.9.5.1: A: Stage 1" in (lab.dir / "log").read_text(), what="the line")
    knock(lab, "10.9.5.2")
    check_equal(daemon.stop(), 15)
    check("10.9.4." not in (lab.dir / "log").read_text(), (lab.dir / "log").read_text())
    check("10.9.5.2: A: OPEN SESAME" in (lab.dir / "log").read_text(), (lab.dir / "log").read_text())


def test_many_lines_keep_their_order(lab):
    text = "[options]\nlogfile=@/log\n" + DOOR.replace(">> @/out", "").replace("echo", "echo out")
    daemon = lab.gateway.spawn(program("knockd"), "-c", write(lab, text), "-i", lab.gateway.interface, "-v")
    daemon.wait_for_line("listening on")
    sources = [f"10.9.{6 + i // 200}.{1 + i % 200}" for i in range(300)]
    sender = Sender(lab.client, lab.gateway)
    for port in (7000, 8000):
        sender.send(*(ip(source, lab.gateway.address, tcp(port)) for source in sources))
    sender.close()
    wait_until(lambda: sum(line.startswith("out ") for line in daemon.lines()) == len(sources), what="every command's line")
    check_equal(daemon.stop(), 15)
    wanted = [f"{source}: A: Stage 1" for source in sources]
    for source in sources:
        wanted += [f"{source}: A: Stage 2", f"{source}: A: OPEN SESAME", f"A: running command: echo out {source} "]
    shown = [line for line in daemon.lines() if re.match(r"10\.9|A: ", line)]
    check_equal([line.rstrip() for line in shown], [line.rstrip() for line in wanted])
    logged = [line[19:] for line in (lab.dir / "log").read_text().splitlines()]
    check_equal(logged[1:-1], shown)
    for source in sources:
        lines = daemon.lines()
        check(lines.index(f"out {source}") > lines.index(f"{source}: A: OPEN SESAME"), "the command before its door opened")


if __name__ == "__main__":
    main(Lab)
