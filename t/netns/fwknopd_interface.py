# SPDX-License-Identifier: GPL-2.0-or-later
"""EXIT_AT_INTF_DOWN: fwknopd ends with its interface, or waits until it is back and takes packets again."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import READY, ask, grant, start
from harness import check_equal, main, wait_until
from lab import Lab

STAYS = "EXIT_AT_INTF_DOWN N;\n"


def set_link(lab, state):
    lab.gateway.run("ip", "link", "set", lab.gateway.interface, state)


def take_down(lab):
    set_link(lab, "down")


def delete_link(lab):
    lab.gateway.run("ip", "link", "del", lab.gateway.interface)


def opens_again(lab, port):
    """Asks until the port is open: the kernel may take a moment until packets come through."""
    def is_open():
        ask(lab, "-A", f"tcp/{port}", "-f", "60")
        return any(f"--dport {port} " in rule for rule in lab.gateway.rules())
    wait_until(is_open, what=f"a rule for port {port}")


def test_it_ends_with_the_interface(lab):
    for leave in (take_down, delete_link):
        set_link(lab, "up")
        daemon = start(lab)
        leave(lab)
        daemon.wait_for_line(r"\[\*\] Fatal error from pcap_dispatch: The interface went down")
        check_equal(daemon.wait(), 1, "exit status")
        check_equal([rule for rule in lab.gateway.rules() if "FWKNOP" in rule], [], "left")


def test_it_goes_on_when_the_interface_is_up_again(lab):
    daemon = start(lab, STAYS)
    grant(lab, 22, 60)
    take_down(lab)
    daemon.wait_for_line(r"\[\*\] Error from pcap_dispatch: The interface went down")
    set_link(lab, "up")
    opens_again(lab, 23)
    lab.gateway.wait_for_rule("--dport 22 ")
    check_equal(daemon.stop(), 0)
    check_equal(len([line for line in daemon.lines() if "Sniffing interface" in line]), 1, "starts of a capture")


def test_it_waits_for_an_interface_that_was_deleted(lab):
    daemon = start(lab, STAYS)
    grant(lab, 22, 60)
    delete_link(lab)
    daemon.wait_for_line(r"\[\*\] Error from pcap_dispatch: The interface went down")
    lab.join(lab.client, lab.client.address, lab.gateway, lab.gateway.address)
    daemon.wait_for_line(READY)
    opens_again(lab, 23)
    lab.gateway.wait_for_rule("--dport 22 ")
    check_equal(daemon.stop(), 0)


def test_an_interface_that_is_replaced_at_once_is_found(lab):
    """Back before anybody has begun to wait for it: no news of it will come."""
    daemon = start(lab, STAYS)
    for port in range(30, 36):
        delete_link(lab)
        lab.join(lab.client, lab.client.address, lab.gateway, lab.gateway.address)
        daemon.wait_for_line(READY)
        opens_again(lab, port)
    check_equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
