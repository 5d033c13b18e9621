# SPDX-License-Identifier: GPL-2.0-or-later
"""What tutorials teach about fwknopd, end to end: a way to a host behind the gateway, and an ipset filled by commands."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, configure, spawn, start
from harness import Skip, check, check_equal, main, need_tools, program, wait_until
from lab import Lab


def connect(lab, port, listener):
    """A connection from the client through the gateway; both ends."""
    with lab.client:
        near = socket.create_connection((lab.gateway.address, port), timeout=5)
    listener.settimeout(5)
    far, _ = listener.accept()
    far.settimeout(5)
    lab.sockets += [near, far]
    return near, far


def talks(near, far):
    near.sendall(b"hello")
    check_equal(far.recv(100), b"hello")
    far.sendall(b"welcome")
    check_equal(near.recv(100), b"welcome")


def test_nat_to_a_host_behind_the_gateway(lab):
    inner = lab.namespace("inner")
    lab.join(lab.gateway, "10.10.0.1", inner, "10.10.0.2")
    inner.run("ip", "route", "add", "default", "via", "10.10.0.1")
    lab.gateway.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    for chain in ("INPUT", "FORWARD"):
        lab.gateway.iptables("-P", chain, "DROP")
        lab.gateway.iptables("-A", chain, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
    listener = inner.listen(8080)
    files = configure(lab, "ENABLE_IPT_FORWARDING Y;\n", "FW_ACCESS_TIMEOUT 3\n")
    daemon = spawn(lab, files)
    check_equal(lab.client.probe(lab.gateway.address, 8022), "filtered", "before")

    ask(lab, "-A", "tcp/8022", "-N", "10.10.0.2:8080")
    daemon.wait_for_line(r"Added FORWARD rule to FWKNOP_FORWARD for 10\.9\.0\.2 -> 0\.0\.0\.0/0 tcp/8022")
    daemon.wait_for_line(r"Added DNAT rule to FWKNOP_PREROUTING for 10\.9\.0\.2 -> 0\.0\.0\.0/0 tcp/8022")
    near, far = connect(lab, 8022, listener)
    talks(near, far)
    listing = lab.gateway.run(program("fwknopd"), *files, "--fw-list").stdout
    check("to:10.10.0.2:8080" in listing and "dpt:8022 /* _exp_" in listing, f"--fw-list shows the way:\n{listing}")

    daemon.wait_for_line(r"Removed rule 1 from FWKNOP_FORWARD", start=0)
    daemon.wait_for_line(r"Removed rule 1 from FWKNOP_PREROUTING", start=0)
    check_equal(lab.client.probe(lab.gateway.address, 8022), "filtered", "after")
    talks(near, far)
    check_equal(daemon.stop(), 0)
    talks(near, far)
    check_equal([r for table in ("filter", "nat") for r in lab.gateway.rules(table) if "FWKNOP" in r], [], "left")


def test_ipset_filled_by_a_command_cycle(lab):
    need_tools("ipset")
    made = lab.gateway.run("ipset", "create", "fwknop_allow", "hash:ip,port", "timeout", "30", check=False)
    if made.returncode != 0:
        raise Skip("no ipset in this kernel: " + made.stderr.strip())
    lab.gateway.iptables("-P", "INPUT", "DROP")
    lab.gateway.iptables("-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
    lab.gateway.iptables("-A", "INPUT", "-m", "set", "--match-set", "fwknop_allow", "src,dst", "-j", "ACCEPT")
    before = lab.gateway.rules()
    listener = lab.gateway.listen(22)
    daemon = start(lab, stanza="CMD_CYCLE_OPEN ipset add fwknop_allow $SRC,$PROTO:$PORT timeout $CLIENT_TIMEOUT\n"
                               "CMD_CYCLE_CLOSE NONE\n")
    check_equal(lab.client.probe(lab.gateway.address, 22), "filtered", "before")
    ask(lab, "-A", "tcp/22", "-f", "3")
    daemon.wait_for_line(r"Running CMD_CYCLE_OPEN command: ipset add fwknop_allow 10\.9\.0\.2,6:22 timeout 3")
    lab.client.wait_for_port(lab.gateway.address, 22)
    listener.accept()[0].close()
    near, far = connect(lab, 22, listener)
    lab.client.wait_for_port(lab.gateway.address, 22, "filtered")
    talks(near, far)
    check_equal(lab.gateway.rules(), before, "fwknopd has no rules of its own")
    check_equal(daemon.stop(), 0)


def test_cycle_with_open_and_close_commands_survives_a_crash(lab):
    lab.write("log.sh", f"#!/bin/sh\necho \"$@\" >>{lab.dir}/calls\n", mode=0o755)
    cycle = (f"CMD_CYCLE_OPEN {lab.dir}/log.sh open $IP\nCMD_CYCLE_CLOSE {lab.dir}/log.sh close $IP\n"
             "CMD_CYCLE_TIMER 3\n")
    calls = lambda: (lab.dir / "calls").read_text().splitlines() if (lab.dir / "calls").exists() else []
    daemon = start(lab, stanza=cycle)
    ask(lab, "-A", "tcp/22")
    wait_until(lambda: calls() == ["open 10.9.0.2"], None, "the open command")
    daemon.stop(9)
    daemon = start(lab, stanza=cycle)
    daemon.wait_for_line(r"An earlier fwknopd left a CMD_CYCLE_CLOSE command", start=0)
    wait_until(lambda: calls() == ["open 10.9.0.2", "close 10.9.0.2"], None, "the close command")
    ask(lab, "-A", "tcp/22")
    wait_until(lambda: len(calls()) == 3, None, "the second open command")
    daemon.stop(9)
    time.sleep(4)
    check_equal(len(calls()), 3, "nobody closes")
    start(lab, stanza=cycle)
    wait_until(lambda: calls()[3:] == ["close 10.9.0.2"], None, "the overdue close command")


if __name__ == "__main__":
    main(Lab)
