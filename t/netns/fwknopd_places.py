# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd finds its rules again when the configuration has changed since they were made: no rule is left behind."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import READY, ask, configure, grant, spawn
from harness import check, check_equal, main, program
from lab import Lab

OTHER_INPUT = "IPT_INPUT_ACCESS ACCEPT, filter, INPUT, 1, OTHER, 1;\n"
CYCLE = "CMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE NONE\n"


def crash(lab, options="", arguments=("-A", "tcp/22"), stanza="", last_rule="access"):
    """A daemon that has granted something and is gone, as by a power button that spares the kernel."""
    daemon = spawn(lab, configure(lab, options, stanza))
    ask(lab, *arguments, "-f", 60)
    daemon.wait_for_line(f"^Added {last_rule} rule to ")
    daemon.stop(signal.SIGKILL)


def left(lab, pattern="FWKNOP"):
    return [rule for table in ("filter", "nat") for rule in lab.gateway.rules(table) if re.search(pattern, rule)]


def test_other_chains_after_a_crash(lab):
    crash(lab)
    daemon = spawn(lab, configure(lab, OTHER_INPUT))
    daemon.wait_for_line("^Removed FWKNOP_INPUT of an earlier fwknopd$", start=0)
    check_equal(left(lab), [])
    lab.gateway.wait_for_rule("-A OTHER .*--dport 22 ")
    check_equal(daemon.stop(), 0)
    check_equal(left(lab, "OTHER"), [])


def test_a_chain_that_is_not_used_any_more_after_a_crash(lab):
    crash(lab, "ENABLE_IPT_OUTPUT Y;\n", last_rule="OUTPUT")
    daemon = spawn(lab, configure(lab))
    daemon.wait_for_line(r"^Ended OUTPUT rule for 10\.9\.0\.2, which would expire at \d+: its chain is not used any more$",
                         start=0)
    check_equal(left(lab, "FWKNOP_OUTPUT"), [])
    lab.gateway.wait_for_rule("-A FWKNOP_INPUT .*--dport 22 ")
    check_equal(daemon.stop(), 0)


def test_only_commands_after_a_crash(lab):
    crash(lab)
    for _ in range(2):
        daemon = spawn(lab, configure(lab, stanza=CYCLE))
        check_equal(left(lab), [])
        daemon.stop(signal.SIGKILL)
    daemon = spawn(lab, configure(lab))
    check_equal(left(lab, "--dport 22 "), [], "what was ended stays so")
    check_equal(daemon.stop(), 0)


def test_a_test_run_after_a_crash_changes_nothing(lab):
    crash(lab)
    before = left(lab)
    daemon = spawn(lab, configure(lab, OTHER_INPUT), "-t")
    check_equal(daemon.stop(), 0)
    check_equal(left(lab), before)
    daemon = spawn(lab, configure(lab))
    lab.gateway.wait_for_rule("-A FWKNOP_INPUT .*--dport 22 ")
    check_equal(daemon.stop(), 0)


def test_flush_takes_what_another_configuration_left(lab):
    nat = "ENABLE_IPT_FORWARDING Y;\n"
    arguments = ("-A", "tcp/22", "-N", "192.0.2.9:22")
    crash(lab, nat, arguments, "FORCE_NAT 192.0.2.9 22\nFORCE_MASQUERADE Y\n", "SNAT")
    check(left(lab, "^-A FWKNOP_MASQUERADE "), "a masqueraded grant")
    files = configure(lab, nat)
    listing = lab.gateway.run(program("fwknopd"), *files, "--fw-list").stdout
    check("masq ports: 22" in listing, listing)
    files = configure(lab)
    lab.gateway.run(program("fwknopd"), *files, "--fw-flush")
    check_equal(left(lab), [])


def test_flush_while_a_daemon_is_at_work(lab):
    files = configure(lab, "ENABLE_IPT_OUTPUT Y;\n")
    daemon = spawn(lab, files)
    grant(lab, 22, 60)
    configure(lab)
    lab.gateway.run(program("fwknopd"), *files, "--fw-flush")
    check_equal(left(lab), [])
    grant(lab, 23, 60)
    check_equal(daemon.stop(), 0)
    check_equal(left(lab), [])


def test_a_place_that_is_empty_is_forgotten(lab):
    daemon = spawn(lab, configure(lab))
    check_equal(daemon.stop(), 0)
    lab.gateway.iptables("-N", "FWKNOP_INPUT")  # somebody else's, from now on
    daemon = spawn(lab, configure(lab, OTHER_INPUT))
    check_equal(left(lab), ["-N FWKNOP_INPUT"])
    check_equal(daemon.stop(), 0)


def test_a_reload_moves_the_state_along(lab):
    files = configure(lab)
    daemon = spawn(lab, files)
    grant(lab, 22, 60)
    configure(lab, run_dir=lab.dir / "elsewhere")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line(READY)
    grant(lab, 23, 60)
    daemon.stop(signal.SIGKILL)
    lab.gateway.iptables("-F", "FWKNOP_INPUT")
    daemon = spawn(lab, files)
    for port in (22, 23):
        lab.gateway.wait_for_rule(f"--dport {port} ")
    check_equal(daemon.stop(), 0)


def test_two_daemons_in_one_run_directory(lab):
    """Each has chains, a pid file and a state of its own."""
    first = spawn(lab, configure(lab))
    grant(lab, 22, 60)
    conf = lab.write("second.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {lab.dir}/run\n"
                     f"FWKNOP_PID_FILE {lab.dir}/run/second.pid\n{OTHER_INPUT}")
    second = spawn(lab, ["-c", conf, "-a", lab.dir / "access.conf"])
    check_equal(left(lab, "-A OTHER "), [], "what the first has opened is the first's")
    grant(lab, 23, 60)
    for daemon, chain in ((second, "OTHER"), (first, "FWKNOP_INPUT")):
        lab.gateway.wait_for_rule(f"-A {chain} .*--dport 23 ")
        check_equal(len(left(lab, f"-A {chain} .*--dport 23 ")), 1, chain)
        check_equal(daemon.stop(), 0)
        check_equal(left(lab, chain), [])


def test_iptables_out_of_order_at_the_end(lab):
    """What cannot be deleted then is deleted at the next start, whatever that one's chains are."""
    iptables = lab.write("iptables", f"#!/bin/sh\n[ -e {lab.dir}/trouble ] && exit 4\nexec /usr/sbin/iptables \"$@\"\n", mode=0o755)
    options = f"FIREWALL_EXE {iptables};\n"
    daemon = spawn(lab, configure(lab, options))
    grant(lab, 22, 60)
    lab.write("trouble", "")
    check_equal(daemon.stop(), 0)
    daemon.wait_for_line(r"^delete_all_chains\(\) Error 4 from cmd:", start=0)
    (lab.dir / "trouble").unlink()
    check(left(lab), "nothing could be deleted")
    daemon = spawn(lab, configure(lab, options + OTHER_INPUT))
    check_equal(left(lab), [])
    check_equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
