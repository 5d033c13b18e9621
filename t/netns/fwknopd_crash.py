# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd's crash matrix: whatever dies, hangs or fills up during many grants, every rule ends, none ends early."""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, configure, spawn
from harness import check, check_equal, main, wait_until
from lab import Lab

GRANTS = 100
LIFE_S = 8
ADDED = re.compile(r"Added access rule to FWKNOP_INPUT for (\S+) -> 0\.0\.0\.0/0 tcp/22, expires at (\d+)")
RULE = re.compile(r"-A FWKNOP_INPUT -s (\S+)/32 .*_exp_(\d+)")

IPTABLES = """#!/bin/sh
# $DIR/trouble holds what goes wrong: "fail" or "hang".
case "$(cat {dir}/trouble 2>/dev/null)" in
  fail) echo "iptables: out of order" >&2; exit 4 ;;
  hang) exec sleep 600 ;;
esac
exec {iptables} "$@"
"""


class Trial:
    """One daemon, its restarts, and what its rules did."""

    def __init__(self, lab, run_dir=None):
        self.lab, self.daemons = lab, []
        self.run_dir = run_dir or f"{lab.dir}/run"
        iptables = lab.write("iptables", IPTABLES.format(dir=lab.dir, iptables="/usr/sbin/iptables"), mode=0o755)
        self.files = configure(lab, f"FIREWALL_EXE {iptables};\n", f"FW_ACCESS_TIMEOUT {LIFE_S}\n", self.run_dir)
        self.early = []
        self.start()

    def start(self):
        self.daemons.append(spawn(self.lab, self.files))

    @property
    def daemon(self):
        return self.daemons[-1]

    def sensor(self):
        """The child of the monitor that is no iptables."""
        path = f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children"
        for pid in open(path).read().split():
            try:
                if open(f"/proc/{pid}/comm").read().startswith("fwknopd"):
                    return int(pid)
            except OSError:
                continue
        return None

    def send(self, number):
        ask(self.lab, "-A", "tcp/22", allowed=f"10.7.{number // 200}.{number % 200 + 1}")

    def rules(self):
        found = {}
        for line in self.lab.gateway.rules():
            match = RULE.match(line)
            if match:
                found[match.group(1)] = int(match.group(2))
        return found

    def lines(self):
        return [line for daemon in self.daemons for line in daemon.lines()]

    def granted(self):
        return {m.group(1): int(m.group(2)) for m in map(ADDED.match, self.lines()) if m}

    def trouble(self, what):
        self.lab.write("trouble", what)

    def check_ends(self, limit_s=LIFE_S + 20):
        """Nothing ends early, nothing stays, every digest is kept."""
        seen = {}

        def over():
            now, rules = time.time(), self.rules()
            for address, expiry in seen.items():
                if address not in rules and now < expiry - 0.05:
                    self.early.append((address, expiry, now))
            seen.clear()
            seen.update(rules)
            return not rules
        wait_until(over, limit_s, "every rule is gone")
        check_equal(self.early, [], "rules that ended early")
        digests = len(open(f"{self.run_dir}/digest.cache").read().splitlines()) - 1
        check(digests >= len(self.granted()), f"{digests} digests for {len(self.granted())} grants")
        check_equal(self.daemon.stop(), 0, "exit status")
        check_equal([r for r in self.lab.gateway.rules() if "FWKNOP" in r], [], "left after the end")


def has_ended(pid):
    """An orphan that nobody has reaped has ended, too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def send_all(trial, disturb):
    """GRANTS packets, one every 20 ms; a third of the way in, disturb()."""
    for number in range(GRANTS):
        trial.send(number)
        if number == GRANTS // 3:
            disturb()
        time.sleep(0.02)


def test_sensor_killed(lab):
    trial = Trial(lab)
    send_all(trial, lambda: os.kill(trial.sensor(), signal.SIGKILL))
    trial.daemon.wait_for_line(r"The sensor process has ended")
    trial.send(GRANTS)
    trial.daemon.wait_for_line(r"for 10\.7\.0\.101 ")
    check(len(trial.granted()) >= GRANTS * 0.8, f"{len(trial.granted())} grants")
    trial.check_ends()


def test_monitor_killed(lab):
    trial = Trial(lab)

    def kill():
        before = trial.granted()
        check(len(before) > 10, f"{len(before)} grants before")
        sensor = trial.sensor()
        trial.daemon.stop(signal.SIGKILL)
        wait_until(lambda: has_ended(sensor), None, "the sensor is gone, too")
        trial.start()
        now = time.time()
        still_open = {address for address, expiry in before.items() if expiry > now + 1}
        check(still_open <= set(trial.rules()), "what was open is open again")
    send_all(trial, kill)
    trial.daemon.wait_for_line(r"Restored access rule in FWKNOP_INPUT for 10\.7\.", start=0)
    trial.check_ends()


def test_monitor_killed_for_longer_than_the_grants_live(lab):
    trial = Trial(lab)
    for number in range(5):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 5, None, "five grants")
    trial.daemon.stop(signal.SIGKILL)
    time.sleep(LIFE_S + 1)
    check_equal(len(trial.rules()), 5, "rules that nobody watches")
    trial.start()
    trial.daemon.wait_for_line(r"Rule of an earlier fwknopd in FWKNOP_INPUT for 10\.7\.0\.1 has expired at \d+", start=0)
    trial.check_ends(5)


def test_both_killed(lab):
    trial = Trial(lab)

    def kill():
        os.kill(trial.sensor(), signal.SIGKILL)
        trial.daemon.stop(signal.SIGKILL)
        trial.start()
    send_all(trial, kill)
    trial.check_ends()


def test_iptables_fails_for_a_while(lab):
    trial = Trial(lab)
    send_all(trial, lambda: trial.trouble("fail"))
    trial.daemon.wait_for_line(r"Error 4 from cmd:")
    time.sleep(LIFE_S)  # the first rules are due and cannot be removed
    check(trial.rules(), "rules that are overdue, because nothing works")
    trial.trouble("")
    trial.check_ends()
    refused = [line for line in trial.lines() if ADDED.match(line)]
    check(len(refused) < GRANTS, "a rule that iptables refused is no grant")


def test_iptables_hangs_for_a_while(lab):
    trial = Trial(lab)
    for number in range(20):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 20, None, "twenty grants")
    trial.trouble("hang")
    trial.send(20)
    trial.daemon.wait_for_line(r"it ran longer than 10 seconds", limit_s=40)
    trial.trouble("")
    trial.check_ends(60)


def test_full_disk(lab):
    lab.gateway.run("mkdir", f"{lab.dir}/small")
    lab.gateway.run("mount", "-t", "tmpfs", "-o", "size=64k", "small", f"{lab.dir}/small")
    trial = Trial(lab, f"{lab.dir}/small/run")
    for number in range(10):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 10, None, "ten grants")
    filler = f"{lab.dir}/small/filler"
    lab.gateway.run("sh", "-c", f"dd if=/dev/zero of={filler} bs=1k 2>/dev/null; true")
    for number in range(10, 60):
        trial.send(number)
    trial.daemon.wait_for_line(r"Could not (add digest to replay cache|write the state file)")
    refused = trial.granted()
    os.unlink(filler)
    trial.send(70)
    trial.daemon.wait_for_line(r"for 10\.7\.0\.71 ")
    check(len(refused) < 60, "no access where the digest cannot be kept")
    trial.check_ends()


if __name__ == "__main__":
    main(Lab)
