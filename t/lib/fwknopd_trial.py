# SPDX-License-Identifier: GPL-2.0-or-later
"""Many grants of a fwknopd that is disturbed meanwhile: every rule ends, none ends early, no digest is lost."""
import re
import time

from fwknopd_lab import ask, configure, spawn
from harness import check, check_equal, wait_until

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

    def __init__(self, lab, run_dir=None, environment=None):
        self.lab, self.daemons, self.environment = lab, [], environment
        self.run_dir = run_dir or f"{lab.dir}/run"
        iptables = lab.write("iptables", IPTABLES.format(dir=lab.dir, iptables="/usr/sbin/iptables"), mode=0o755)
        self.files = configure(lab, f"FIREWALL_EXE {iptables};\n", f"FW_ACCESS_TIMEOUT {LIFE_S}\n", self.run_dir)
        self.early = []
        self.start()

    def start(self):
        self.daemons.append(spawn(self.lab, self.files, env=self.environment))

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

    def send(self, number, *arguments):
        ask(self.lab, "-A", "tcp/22", *arguments, allowed=f"10.7.{number // 200}.{number % 200 + 1}")

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


def send_all(trial, disturb):
    """GRANTS packets, one every 20 ms; a third of the way in, disturb()."""
    for number in range(GRANTS):
        trial.send(number)
        if number == GRANTS // 3:
            disturb()
        time.sleep(0.02)
