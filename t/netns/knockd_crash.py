# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of the sensor, of the monitor, of both, at random moments: what was opened is closed, and not before its time."""
import os
import random
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import SCALE, check, check_equal, main, program, wait_until
from knock_packets import Sender, ip, sensors, tcp
from lab import Lab, children

CYCLES, OPEN_S = 50, 2
CONF = """\
[options]
logfile = {dir}/log
[door]
sequence = 7000,8000
tcpflags = syn
start_command = iptables -w -A INPUT -s %IP% -j ACCEPT
cmd_timeout = {open_s}
stop_command = iptables -w -D INPUT -s %IP% -j ACCEPT
"""


class Watch(threading.Thread):
    """When the rule of each source was seen first and last."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.first, self.last, self.is_ended = gateway, {}, {}, False

    def run(self):
        while not self.is_ended:
            before = time.monotonic()
            rules = self.gateway.rules()
            now = time.monotonic()
            for source in re.findall(r"-s (10\.9\.1\.\d+)/32 ", "\n".join(rules)):
                self.first.setdefault(source, now)
                self.last[source] = before
            time.sleep(0.02)


def start(lab):
    daemon = lab.gateway.spawn(program("knockd"), "-c", lab.dir / "knockd.conf", "-i", lab.gateway.interface, "-v", wrap=False)
    daemon.wait_for_line("listening on")
    return daemon


def sensor_of(daemon):
    return wait_until(lambda: sensors(children(daemon.pid)), what="a sensor")[0]


def test_crashes_leave_no_door_open(lab):
    seed = int(os.environ.get("SEED", "6"))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    lab.write("knockd.conf", CONF.format(dir=lab.dir, open_s=OPEN_S))
    daemon, sender, watch = start(lab), Sender(lab.client, lab.gateway), Watch(lab.gateway)
    watch.start()
    outage = 0.0
    for cycle in range(CYCLES):
        source = f"10.9.1.{cycle + 1}"
        sender.send(*(ip(source, lab.gateway.address, tcp(port)) for port in (7000, 8000)))
        time.sleep(dice.uniform(0, 0.4))
        victims = dice.choice((["sensor"], ["monitor"], ["sensor", "monitor"], []))
        before = time.monotonic()
        if "sensor" in victims:
            try:
                os.kill(sensor_of(daemon), signal.SIGKILL)
            except ProcessLookupError:
                pass  # It was the one killed before, and is being replaced.
        if "monitor" in victims:
            daemon.send_signal(signal.SIGKILL)
            check_equal(daemon.wait(), -signal.SIGKILL)
            time.sleep(dice.uniform(0, 0.5))
            daemon = start(lab)
        elif "sensor" in victims:
            sensor_of(daemon)
        outage = max(outage, time.monotonic() - before)
    wait_until(lambda: not any("10.9.1." in rule for rule in lab.gateway.rules()), what="no rule left")
    watch.is_ended = True
    watch.join()
    check(len(watch.first) >= CYCLES // 2, f"only {len(watch.first)} of {CYCLES} knocks opened")
    slack = 1.0 * SCALE + outage
    for source, first in watch.first.items():
        seen_s = watch.last[source] - first
        check(seen_s >= OPEN_S - 0.5, f"{source} was closed after {seen_s:.2f} s")
        check(seen_s <= OPEN_S + slack, f"{source} was open for {seen_s:.2f} s")
    sender.close()
    check_equal(daemon.stop(), 15)


def test_a_stop_command_survives_the_end_of_the_monitor(lab):
    lab.write("knockd.conf", CONF.format(dir=lab.dir, open_s=3))
    daemon, sender = start(lab), Sender(lab.client, lab.gateway)
    sender.send(*(ip("10.9.1.1", lab.gateway.address, tcp(port)) for port in (7000, 8000)))
    lab.gateway.wait_for_rule(r"-s 10\.9\.1\.1/32")
    opened = time.monotonic()
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    daemon = start(lab)
    daemon.wait_for_line(r"10\.9\.1\.1: door: stop command of an earlier run is due in \d s")
    lab.gateway.wait_for_rule(r"-s 10\.9\.1\.1/32", present=False)
    check(time.monotonic() - opened >= 2.5, "closed too early")
    daemon.wait_for_line("door: running command: iptables -w -D")
    check_equal(daemon.stop(), 15)


def test_the_end_closes_what_is_open(lab):
    lab.write("knockd.conf", CONF.format(dir=lab.dir, open_s=600))
    daemon, sender = start(lab), Sender(lab.client, lab.gateway)
    sender.send(*(ip("10.9.1.1", lab.gateway.address, tcp(port)) for port in (7000, 8000)))
    lab.gateway.wait_for_rule(r"-s 10\.9\.1\.1/32")
    check_equal(daemon.stop(), 15)
    check(not any("10.9.1." in rule for rule in lab.gateway.rules()), "the rule is still there")


if __name__ == "__main__":
    main(Lab)
