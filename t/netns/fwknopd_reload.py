# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd reloads: what is open stays open and ends in time, and a configuration that does not work changes nothing."""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import READY, ask, configure, grant, spawn, start
from harness import check, check_equal, main, wait_until
from lab import Lab


def keeps_the_old_one(lab, settings, *lines):
    """A reload of these settings tells these lines, leaves what is open, and goes on granting."""
    daemon = start(lab)
    grant(lab, 22, 60)
    configure(lab, settings)
    daemon.send_signal(signal.SIGHUP)
    for line in (*lines, "the old one stays in force", READY):
        daemon.wait_for_line(line)
    lab.gateway.wait_for_rule("-A FWKNOP_INPUT .*--dport 22 ")
    grant(lab, 23, 60)
    check_equal(daemon.stop(), 0)


def test_a_filter_that_does_not_compile_leaves_the_old_configuration_in_force(lab):
    keeps_the_old_one(lab, "PCAP_FILTER this is no filter;\n", r"\[\*\] Error compiling pcap filter: ")


def test_the_way_back_leaves_the_rotated_cache(lab):
    daemon = spawn(lab, configure(lab), "--rotate-digest-cache")
    grant(lab, 22, 60)
    configure(lab, "PCAP_FILTER this is no filter;\n")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line("stays in force")
    daemon.wait_for_line(READY)
    rotated = (lab.dir / "run" / "digest.cache-old").read_text()
    check_equal(len([line for line in rotated.splitlines() if not line.startswith("#")]), 1, "digests of " + rotated)
    check_equal(daemon.stop(), 0)


def test_a_burst_of_reloads_with_a_bad_filter_changes_nothing(lab):
    """The second signal comes in before the sensor has tried the filter of the first."""
    daemon = start(lab)
    grant(lab, 22, 60)
    configure(lab, "PCAP_FILTER this is no filter;\n")
    for _ in range(40):
        daemon.send_signal(signal.SIGHUP)
        time.sleep(0.005)
    daemon.wait_for_line(r"the old one stays in force")
    wait_until(lambda: re.search(rf"stays in force(?!(.|\n)*Got SIGHUP)(.|\n)*{READY}", daemon.text()), None, "it captures again")
    lab.gateway.wait_for_rule("--dport 22 ")
    grant(lab, 23, 60)
    check_equal(daemon.stop(), 0)


def test_chains_that_cannot_be_made_leave_what_is_open(lab):
    keeps_the_old_one(lab, "IPT_INPUT_ACCESS ACCEPT, filter, NOSUCH, 1, OTHER, 1;\n")


def test_other_chains_take_over_what_is_open(lab):
    daemon = start(lab, "FLUSH_IPT_AT_EXIT N;\n")
    grant(lab, 22, 6)
    configure(lab, "FLUSH_IPT_AT_EXIT N;\nIPT_INPUT_ACCESS ACCEPT, filter, INPUT, 1, OTHER, 1;\n")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line(READY)
    rules = lab.gateway.rules()
    check(any(r.startswith("-A OTHER") and "--dport 22 " in r for r in rules), f"{rules}")
    check(not any("FWKNOP_INPUT" in r for r in rules), f"{rules}")
    lab.gateway.wait_for_rule("--dport 22 ", present=False)
    daemon.wait_for_line(r"Removed rule 1 from OTHER")
    check_equal(daemon.stop(), 0)


def test_a_slot_that_is_switched_off_takes_its_rules_along(lab):
    daemon = start(lab, "ENABLE_IPT_OUTPUT Y;\n")
    grant(lab, 22, 60)
    lab.gateway.wait_for_rule("-A FWKNOP_OUTPUT .*--sport 22 ")
    configure(lab)
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line(READY)
    rules = lab.gateway.rules()
    check(not any("FWKNOP_OUTPUT" in r for r in rules), f"{rules}")
    check(any(r.startswith("-A FWKNOP_INPUT") for r in rules), f"{rules}")
    check_equal(daemon.stop(), 0)


def test_a_run_directory_that_cannot_be_leaves_the_old_configuration_in_force(lab):
    daemon = start(lab)
    for folder, line in (("here", r"^Path 'here' is not absolute\.$"), (lab.dir / "access.conf", "is NOT a directory$")):
        configure(lab, run_dir=folder)
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_line(line)
        daemon.wait_for_line(r"the old one stays in force")
    grant(lab, 22, 60)
    check_equal(daemon.stop(), 0)


def test_iptables_out_of_order_at_a_reload(lab):
    """Neither the new configuration nor the old one can look at its chains: what is there is there."""
    trouble = lab.dir / "trouble"
    iptables = lab.write("iptables", f"#!/bin/sh\n[ -e {trouble} ] && exit 4\nexec /usr/sbin/iptables \"$@\"\n", mode=0o755)
    daemon = start(lab, f"FIREWALL_EXE {iptables};\n")
    grant(lab, 22, 5)
    trouble.touch()
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line(r"the old one stays in force")
    daemon.wait_for_line(READY)
    check_equal(daemon.text().count("the old one stays in force"), 1, "times that it went back")
    trouble.unlink()
    grant(lab, 23, 60)
    lab.gateway.wait_for_rule("--dport 22 ", present=False)
    check_equal(daemon.stop(), 0)
    check(not any("FWKNOP" in rule for rule in lab.gateway.rules()), "nothing is left")


def test_a_look_up_that_is_under_way(lab):
    lab.gateway.run("mount", "--bind", lab.write("resolv.conf", "nameserver 10.9.0.77\noptions timeout:30\n", mode=0o644),
                    "/etc/resolv.conf")
    try:
        daemon = start(lab, "ENABLE_IPT_FORWARDING Y;\n")
        ask(lab, "-A", "tcp/22", "-N", "inner.example:22")
        daemon.wait_for_line(r"\(stanza #1\) SPA Packet from IP: ")
        wait_until(lambda: "getent" in lab.gateway.run("ps", "-A", "-o", "comm").stdout, None, "the look-up")
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_line(r"^\[10\.9\.0\.2\] \(stanza #1\) Look-up of Hostname in NAT SPA message given up, "
                             r"nothing opens: inner\.example$")
        daemon.wait_for_line(READY)
        check_equal(daemon.stop(), 0)
    finally:
        lab.gateway.run("umount", "/etc/resolv.conf")


def test_ten_reloads_lose_no_grant(lab):
    daemon = start(lab)
    for number in range(10):
        grant(lab, 1000 + number, 60)
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_line("Re-starting fwknopd")
        daemon.wait_for_line(READY)
    check_equal(sum("--dport 10" in rule for rule in lab.gateway.rules()), 10, "rules")
    check_equal(daemon.stop(), 0)


def cpu_wakeups(pid):
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])


def test_access_lasts_as_long_as_was_asked(lab):
    """Not until the whole second in the comment begins, and rules that end together end by one program."""
    daemon = start(lab)
    time.sleep(-time.time() % 1 + 0.7)  # late in a second
    begin = time.monotonic()
    for port in (22, 23, 24):
        ask(lab, "-A", f"tcp/{port}", "-f", 2)
    lab.gateway.wait_for_rule("--dport 24 ")
    for port in (22, 23, 24):
        lab.gateway.wait_for_rule(f"--dport {port} ", present=False)
    check(time.monotonic() - begin >= 2, "a rule went before its time")
    for _ in range(3):
        daemon.wait_for_line("Removed rule [1-3] from FWKNOP_INPUT with expire time of")
    check_equal(daemon.stop(), 0)


def test_an_idle_daemon_sleeps(lab):
    daemon = start(lab)
    grant(lab, 22, 1)
    lab.gateway.wait_for_rule("--dport 22 ", present=False)
    time.sleep(5)  # the last look at the chains
    children = open(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read().split()
    pids = [daemon.pid, *map(int, children)]
    check(len(pids) >= 2, f"monitor and sensor: {pids}")
    before = [cpu_wakeups(pid) for pid in pids]
    time.sleep(6)
    check_equal([cpu_wakeups(pid) for pid in pids], before, "wake-ups while nothing happens")
    check_equal(daemon.stop(), 0)


def test_a_rule_of_somebody_else_wakes_it(lab):
    daemon = start(lab)
    time.sleep(5)
    lab.gateway.iptables("-A", "FWKNOP_INPUT", "-p", "tcp", "-s", "9.9.9.9", "-m", "comment", "--comment",
                         f"_exp_{int(time.time()) + 2}", "-j", "ACCEPT")
    daemon.wait_for_line(r"Removed rule 1 from FWKNOP_INPUT with expire time of \d+", limit_s=8)
    check_equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
