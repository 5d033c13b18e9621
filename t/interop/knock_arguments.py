# SPDX-License-Identifier: GPL-2.0-or-later
"""Random command lines for Debian's knock and ours: the same output, status and packets. SEED=N makes others.

Left out is what doc/DEVIATIONS.md lists. Before an error the peer has sent something, and ours nothing.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, peer, program
from lab import Lab

CASES = 60
OPTIONS = [["-u"], ["--udp"], ["-4"], ["--ipv4"], ["-6"], ["--ipv6"], ["-v"], ["--verbose"], ["-d", "1"], ["-d2"], ["--delay", "3"],
           ["--delay=1"], ["-uv"], ["-vud1"], ["--verb"], ["--de", "1"], ["-v4"], ["-4", "-6"], ["-6", "-4"]]
RARE = [["-h"], ["-V"], ["--help"], ["--version"], ["-V", "-h"], ["-Z"], ["--bogus"], ["--ver"], ["--ipv"], ["--ipv4=5"], ["-d", "-5"],
        ["--delay=-1"], ["-vZ"], ["--"]]
HOSTS = ["10.9.0.1", "fd00:9::1", "gw-both", "gw-four", "gw-six", "10.9.1", "fe80::1%to-gateway", "::ffff:10.9.0.1"]
NO_HOSTS = ["", "[fd00:9::1]", "gw-none.invalid", "10.9.0.300", "fe80::1%nosuch0", "localhost"]
PORTS = ["7000", "7000", "8000:tcp", "9000:udp", "80", "080", "+81", " 82", "65535", "1", "ssh", "ssh:tcp", "domain:udp", "tftp:tcp", "http:udp"]
NO_PORTS = ["0x50", "80x", "nosuchsvc", "7000,8000", "7000-7002", "80 "]
END = 40404


def random_line(dice):
    groups = [[dice.choice(HOSTS if dice.random() < 0.95 else NO_HOSTS)]] if dice.random() < 0.98 else []
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5)) if groups else 0):
        groups.append([dice.choice(PORTS if dice.random() < 0.97 else NO_PORTS)])
    for _ in range(dice.choice((0, 1, 2, 3))):
        groups.insert(dice.randrange(len(groups) + 1), dice.choice(OPTIONS if dice.random() < 0.9 else RARE))
    return [word for group in groups for word in group] + (["-d"] if dice.random() < 0.02 else [])


def what_happens(lab, path, words, environment):
    capture = lab.gateway.capture()
    done = lab.client.run("knock", *words, executable=path, check=False, env=environment)
    lab.client.send_udp(lab.gateway.address, END, b"end")
    capture.wait_for(lambda p: p.destination_port == END)
    clients = {lab.client.address, lab.client.address6, "fe80::2"}
    packets = [(p.protocol, p.destination, p.destination_port, p.tcp_flags, p.payload) for p in capture.collect()
               if p.source in clients and p.protocol in (6, 17) and p.destination_port != END]
    packets = [packet for packet in packets if packet[0] == 17 or packet[3] == 2]
    capture.close()
    output = done.stdout if not done.stdout.startswith("knock ") else "version"
    return (done.returncode, done.stderr, output, packets) if done.returncode == 0 else (done.returncode, done.stderr)


def test_random_arguments(lab):
    seed = int(os.environ.get("SEED", "6"))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    for host, address in ((lab.client, "fe80::2/64"), (lab.gateway, "fe80::1/64")):
        host.run("ip", "addr", "add", address, "dev", host.interface, "nodad")
    names = "127.0.0.1 localhost\n10.9.0.1 gw-both gw-four\nfd00:9::1 gw-both gw-six\n"
    for name, text in (("hosts", names), ("resolv.conf", "")):
        lab.client.run("mount", "--bind", lab.write(name, text, mode=0o644), f"/etc/{name}")
    for address in (lab.gateway.address, lab.gateway.address6, "fe80::1%" + lab.client.interface):
        lab.client.probe(address, 9)  # so that no packet waits for its neighbour
    sent = 0
    try:
        for number in range(CASES):
            words = random_line(dice)
            environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"} | ({"POSIXLY_CORRECT": "1"} if dice.random() < 0.1 else {})
            theirs, ours = (what_happens(lab, path, words, environment) for path in (peer("knock"), program("knock")))
            check_equal(ours, theirs, f"case {number}: knock {words} {environment}")
            sent += len(theirs[-1]) if theirs[0] == 0 else 0
    finally:
        for name in ("hosts", "resolv.conf"):
            lab.client.run("umount", f"/etc/{name}")
    check(sent > CASES // 3, f"only {sent} packets were sent")


if __name__ == "__main__":
    main(Lab)
