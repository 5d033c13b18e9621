# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's knockd and ours on one interface with one configuration: random packets, the same stages and openings.
SEED=N repeats a run."""
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, peer, program, wait_until
from knock_packets import ACK, FIN, SYN, Sender, ip, tcp, udp
from lab import Lab

PACKETS = 600
# No two doors begin alike, and there is one knocker at a time: more is what knockd 0.8 cannot do (spec 5.6, B1).
CONF = """\
[options]
logfile = {dir}/{log}
[tcp]
sequence = 1001,1002,1003
tcpflags = syn
[udp]
sequence = 2001:udp,2002:udp
[mixed]
sequence = 3001:udp,1002,3002:udp
tcpflags = syn,!ack
[plain]
sequence = 4001,4002
[twice]
sequence = 5001,5001
tcpflags = !fin
[target]
sequence = 6001,6002
target = 10.5.5.5
[target6]
sequence = 7001:udp,7002
target = fd00:77::5
[fence]
sequence = 6999:udp
"""
HITS = [("t", 1001), ("t", 1002), ("t", 1003), ("u", 2001), ("u", 2002), ("u", 3001), ("u", 3002), ("t", 4001), ("t", 4002),
        ("t", 5001), ("t", 6001), ("t", 6002), ("u", 7001), ("t", 7002), ("t", 9), ("u", 1001)]
SEQUENCES = [HITS[0:3], HITS[3:5], [HITS[5], HITS[1], HITS[6]], HITS[7:9], [HITS[9]] * 2, HITS[10:12], HITS[12:14]]


def events(path):
    """Lines without times; a broken attempt leaves none."""
    return [line for line in re.sub(r"(?m)^\[.{16}\] ", "", path.read_text()).splitlines()
            if re.search(r": (Stage \d+|OPEN SESAME)$", line)]


def start(lab, path, name):
    text = CONF.format(dir=lab.dir, log=name)
    daemon = lab.gateway.spawn(path, "-c", lab.write(f"{name}.conf", text), "-i", lab.gateway.interface, "-v", wrap="peer" != name)
    daemon.wait_for_line("listening on")
    return daemon


def test_random_packets_have_the_same_effect(lab):
    seed = int(os.environ.get("SEED", "6"))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    daemons = [start(lab, peer("knockd"), "peer"), start(lab, program("knockd"), "ours")]
    sender, sent, number = Sender(lab.client, lab.gateway), 0, 0
    while sent < PACKETS:
        number += 1
        six = dice.random() < 0.4
        source = f"fd00:9::{number + 256:x}" if six else f"10.9.{4 + number // 250}.{1 + number % 250}"
        local = lab.gateway.address6 if six else lab.gateway.address
        hits = list(dice.choice(SEQUENCES))
        # One destination a knocker: two attempts at a time are what B1 is about.
        target = ("fd00:77::5" if six else "10.5.5.5") if hits[0][1] // 1000 in (6, 7) and dice.random() < 0.9 else local
        if dice.random() < 0.5:
            hits.insert(dice.randrange(len(hits) + 1), dice.choice(HITS))
        for kind, port in hits:
            flags = dice.choice((SYN, SYN, SYN, SYN | ACK, ACK, FIN))
            sender.send(ip(source, target, udp(port) if kind == "u" else tcp(port, flags)))
            sent += 1
        # The first of these breaks an attempt that is still alive, and is lost.
        fence = ip(source, local, udp(6999))
        sender.send(fence, fence, fence)
        wait_until(lambda: all(f"{source}: fence" in (lab.dir / name).read_text() for name in ("peer", "ours")), what=f"both daemons, {source}")
    check_equal([daemon.stop() for daemon in daemons], [15, 15])
    theirs, ours = events(lab.dir / "peer"), events(lab.dir / "ours")
    check(sum("OPEN SESAME" in line and "fence" not in line for line in theirs) > 20, "too few doors opened")
    check_equal(ours, theirs)
    sender.close()


if __name__ == "__main__":
    main(Lab)
