# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses and interfaces that come and go, several interfaces, doors by the thousand."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check_equal, main, program, wait_until
from knock_packets import Sender, ip, sensors, tcp
from lab import Lab, children

CONF = """\
[options]
logfile = {dir}/log
[door]
sequence = 7000,8000
tcpflags = syn
"""


def start(lab, *args, conf=CONF):
    path = lab.write("knockd.conf", conf.format(dir=lab.dir))
    daemon = lab.gateway.spawn(program("knockd"), "-c", path, "-v", *args)
    daemon.wait_for_line("listening on")
    return daemon


def opens(lab, daemon, source, target, ports=(7000, 8000), door="door"):
    """Knocks until it has opened: what has just changed may take a moment to be in force."""
    sender = Sender(lab.client, lab.gateway)

    def knock():
        sender.send(*(ip(source, target, tcp(port)) for port in ports))
        try:
            return daemon.wait_for_line(f"{source}: {door}: OPEN SESAME", limit_s=0.5)
        except AssertionError:
            return False
    wait_until(knock, what=f"{door} opened by {source}")
    sender.close()


def test_addresses_are_followed(lab):
    daemon = start(lab, "-i", lab.gateway.interface)
    opens(lab, daemon, "10.9.1.1", lab.gateway.address)
    lab.gateway.run("ip", "addr", "add", "10.9.0.77/24", "dev", lab.gateway.interface)
    opens(lab, daemon, "10.9.1.2", "10.9.0.77")
    lab.gateway.run("ip", "addr", "add", "fd00:9::77/64", "dev", lab.gateway.interface, "nodad")
    opens(lab, daemon, "fd00:9::1:2", "fd00:9::77")
    check_equal(daemon.stop(), 15)


def test_an_interface_goes_down_and_comes_up(lab):
    daemon = start(lab, "-i", lab.gateway.interface)
    lab.gateway.run("ip", "link", "set", lab.gateway.interface, "down")
    lab.gateway.run("ip", "link", "set", lab.gateway.interface, "up")
    opens(lab, daemon, "10.9.1.1", lab.gateway.address)
    check_equal(daemon.stop(), 15)


def test_an_interface_is_renamed(lab):
    gateway = lab.gateway
    daemon = start(lab, "-i", gateway.interface)
    old, gateway.interface = gateway.interface, "lan0"
    for action in (["down"], ["name", "lan0"], ["up"]):
        gateway.run("ip", "link", "set", old if action[0] != "up" else "lan0", *action)
    daemon.wait_for_line(f"interface {old} is named lan0 now")
    opens(lab, daemon, "10.9.1.1", gateway.address)
    gateway.run("ip", "addr", "add", "10.9.0.77/24", "dev", "lan0")
    opens(lab, daemon, "10.9.1.2", "10.9.0.77")
    # A new sensor finds it, too.
    os.kill(sensors(children(daemon.pid))[0], signal.SIGKILL)
    opens(lab, daemon, "10.9.1.3", gateway.address)
    # What comes back is the interface of the configuration.
    gateway.run("ip", "link", "del", "lan0")
    daemon.wait_for_line("no interface is left")
    gateway.interface = lab.client.interface = None
    lab.join(lab.client, lab.client.address, gateway, gateway.address)
    daemon.wait_for_line(f"interface {old} is back")
    opens(lab, daemon, "10.9.1.4", gateway.address)
    check_equal(daemon.stop(), 15)


def test_an_interface_vanishes_and_returns(lab):
    daemon = start(lab, "-i", lab.gateway.interface)
    names = lab.client.interface, lab.gateway.interface
    lab.gateway.run("ip", "link", "del", lab.gateway.interface)
    daemon.wait_for_line("no interface is left")
    lab.join(lab.client, lab.client.address, lab.gateway, lab.gateway.address)
    check_equal((lab.client.interface, lab.gateway.interface), names)
    daemon.wait_for_line("interface .* is back")
    opens(lab, daemon, "10.9.1.1", lab.gateway.address)
    check_equal(daemon.stop(), 15)


def test_two_interfaces_by_option_and_by_latchkey_conf(lab):
    inside = lab.namespace("inside")
    lab.join(inside, "10.8.0.2", lab.gateway, "10.8.0.1")
    second = [line.split(":")[1].split("@")[0].strip() for line in lab.gateway.run("ip", "-o", "link").stdout.splitlines()
              if "link/ether" in line and f" {lab.gateway.interface}@" not in line][0]
    suite = lab.write("latchkey.conf", f"[knockd]\ninterface = {lab.gateway.interface}, {second}\n")
    for args in (["-i", f"{lab.gateway.interface},{second}"], ["--suite-conf", suite]):
        daemon = start(lab, *args)
        opens(lab, daemon, "10.9.1.1", lab.gateway.address)
        for port in (7000, 8000):
            inside.probe("10.8.0.1", port)
        daemon.wait_for_line("10.8.0.2: door: OPEN SESAME")
        check_equal(daemon.stop(), 15)


def test_a_killed_sensor_is_replaced(lab):
    daemon = start(lab, "-i", lab.gateway.interface)
    os.kill(sensors(children(daemon.pid))[0], signal.SIGKILL)
    daemon.wait_for_line("the packet sensor has ended \\(killed by signal 9\\)")
    opens(lab, daemon, "10.9.1.1", lab.gateway.address)
    check_equal(daemon.stop(), 15)


def test_two_thousand_doors(lab):
    doors = "".join(f"[d{n}]\nsequence = {1000 + n},{4000 + n},{9000 + 3 * n}\ntcpflags = syn\n" for n in range(2000))
    daemon = start(lab, "-i", lab.gateway.interface, conf=doors)
    opens(lab, daemon, "10.9.1.1", lab.gateway.address, (2999, 5999, 14997), "d1999")
    check_equal(daemon.stop(), 15)


if __name__ == "__main__":
    main(Lab)
