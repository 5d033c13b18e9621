# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT to a host that is named: the name is looked up beside everything else, for five seconds at most."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, grant, start
from harness import SCALE, check, check_equal, main
from lab import Lab

NOT_RESOLVED = "Unable to resolve Hostname in NAT SPA message"
RECEIVED = "received with access source match"


def test_a_name_server_that_is_silent_holds_nobody_up(lab):
    with lab.gateway:
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 53))
    lab.sockets.append(silent)
    resolver = lab.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30\n", mode=0o644)
    lab.gateway.run("mount", "--bind", resolver, "/etc/resolv.conf")
    daemon = start(lab, "ENABLE_IPT_FORWARDING Y;\n")
    ask(lab, "-A", "tcp/2222", "-N", "inner.example.com:443")
    daemon.wait_for_line(RECEIVED)
    begin = time.monotonic()
    grant(lab, 22, 60)
    check(NOT_RESOLVED not in daemon.text(), "the second packet waited for the name of the first")
    daemon.wait_for_line(NOT_RESOLVED)
    check(time.monotonic() - begin < 10 * SCALE, "the look-up went on for too long")
    check(not any("2222" in rule for rule in lab.gateway.rules("nat")), "a rule for nobody knows which host")
    check_equal(daemon.stop(), 0)
    lab.gateway.run("umount", "/etc/resolv.conf")


def test_a_name_becomes_its_address(lab):
    hosts = lab.write("hosts", "127.0.0.1 localhost\n10.77.0.5 inner.example.com\n", mode=0o644)
    lab.gateway.run("mount", "--bind", hosts, "/etc/hosts")
    daemon = start(lab, "ENABLE_IPT_FORWARDING Y;\n")
    ask(lab, "-A", "tcp/2222", "-N", "inner.example.com:443")
    daemon.wait_for_line("Resolved NAT IP in SPA message")
    lab.gateway.wait_for_rule(r"--dport 2222 .*--to-destination 10\.77\.0\.5:443", table="nat")
    check_equal(daemon.stop(), 0)
    lab.gateway.run("umount", "/etc/hosts")


if __name__ == "__main__":
    main(Lab)
