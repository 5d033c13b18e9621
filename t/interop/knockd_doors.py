# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's knockd and ours on one interface with one configuration: random packets, the same stages and openings.
SEED=N repeats a run."""
import difflib
import itertools
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
DOORS = """\
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
"""
HITS = [("t", 1001), ("t", 1002), ("t", 1003), ("u", 2001), ("u", 2002), ("u", 3001), ("u", 3002), ("t", 4001), ("t", 4002),
        ("t", 5001), ("t", 6001), ("t", 6002), ("u", 7001), ("t", 7002), ("t", 9), ("u", 1001)]
SEQUENCES = [HITS[0:3], HITS[3:5], [HITS[5], HITS[1], HITS[6]], HITS[7:9], [HITS[9]] * 2, HITS[10:12], HITS[12:14]]


def events(path):
    """Lines without times; a broken attempt leaves none."""
    return [line for line in re.sub(r"(?m)^\[.{16}\] ", "", path.read_text()).splitlines()
            if re.search(r": (Stage \d+|OPEN SESAME)$", line)]


def start(lab, path, name, doors, *args):
    text = f"[options]\nlogfile = {lab.dir}/{name}\n{doors}[fence]\nsequence = 6999:udp\n"
    daemon = lab.gateway.spawn(path, "-c", lab.write(f"{name}.conf", text), "-i", lab.gateway.interface, "-v", *args, wrap="peer" != name)
    daemon.wait_for_line("listening on")
    return daemon


def compare(lab, dice, packets, doors, sequences, hits, numbers):
    """Sends whole knocks, half of them with a hit too many, to both daemons. How many doors have opened."""
    for name in ("peer", "ours"):
        (lab.dir / name).unlink(missing_ok=True)
    daemons = [start(lab, peer("knockd"), "peer", doors), start(lab, program("knockd"), "ours", doors)]
    sender, sent = Sender(lab.client, lab.gateway), 0
    while sent < packets:
        number = next(numbers)
        six = dice.random() < 0.4
        source = f"fd00:9::{number + 256:x}" if six else f"10.9.{4 + number // 250}.{1 + number % 250}"
        local = lab.gateway.address6 if six else lab.gateway.address
        knock = list(dice.choice(sequences))
        # One destination a knocker: two attempts at a time are what B1 is about.
        target = ("fd00:77::5" if six else "10.5.5.5") if knock[0][1] // 1000 in (6, 7) and dice.random() < 0.9 else local
        if dice.random() < 0.5:
            knock.insert(dice.randrange(len(knock) + 1), dice.choice(hits))
        for kind, port in knock:
            flags = dice.choice((SYN, SYN, SYN, SYN | ACK, ACK, FIN))
            sender.send(ip(source, target, udp(port) if kind == "u" else tcp(port, flags)))
            sent += 1
        # The first of these breaks an attempt that is still alive, and is lost.
        fence = ip(source, local, udp(6999))
        sender.send(fence, fence, fence)
        wait_until(lambda: all(f"{source}: fence" in (lab.dir / name).read_text() for name in ("peer", "ours")), what=f"both daemons, {source}")
    check_equal([daemon.stop() for daemon in daemons], [15, 15])
    sender.close()
    theirs, ours = events(lab.dir / "peer"), events(lab.dir / "ours")
    check_equal(ours, theirs, doors)
    return sum("OPEN SESAME" in line and "fence" not in line for line in theirs)


def dice_of_run():
    seed = int(os.environ.get("SEED", "6"))
    print(f"SEED={seed}")
    return random.Random(seed)


def test_random_packets_have_the_same_effect(lab):
    opened = compare(lab, dice_of_run(), PACKETS, DOORS, SEQUENCES, HITS, itertools.count(1))
    check(opened > 20, "too few doors opened")


def random_doors(dice):
    """Doors that begin at ports of their own and share the others; their sequences."""
    shared = [(kind, port) for kind in "tu" for port in range(1001, 1005)]
    text, sequences = "", []
    for number in range(dice.randrange(2, 9)):
        first = (dice.choice("tu"), 2000 + number)
        sequence = [first] + [dice.choice([*shared, first]) for _ in range(dice.choice((0, 1, 2, 2, 3, 6)))]
        flags = dice.choice(("", "", "syn", "syn,!ack", "!fin", "ack", "syn,!ack,!urg,!rst"))
        text += f"[d{number}]\nsequence = {','.join(str(port) + (':udp' if kind == 'u' else dice.choice(('', ':tcp'))) for kind, port in sequence)}\n"
        text += f"tcpflags = {flags}\n" if flags else ""
        sequences.append(sequence)
    return text, sequences


def test_random_doors(lab):
    dice, numbers, opened = dice_of_run(), itertools.count(1), 0
    for _ in range(6):
        doors, sequences = random_doors(dice)
        opened += compare(lab, dice, 150, doors, sequences, sorted({hit for sequence in sequences for hit in sequence}), numbers)
    check(opened > 20, "too few doors opened")


def test_random_filters(lab):
    """What -D tells of the start: addresses, and the filter expression of each door."""
    dice, gateway = dice_of_run(), lab.gateway
    for address in ("10.9.0.77/24", "10.77.0.1/32", "fd00:77::1/64"):
        gateway.run("ip", "addr", "add", address, "dev", gateway.interface)
    for _ in range(12):
        doors, _ = random_doors(dice)
        doors += dice.choice(("", "[t4]\nsequence = 5,6:udp\ntarget = 10.5.5.5\n", "[t6]\nsequence = 5,6:udp\ntarget = fd00:77::5\ntcpflags = rst\n"))
        args = dice.choice((["-D"], ["-D", "-4"]))
        daemons = [start(lab, peer("knockd"), "peer", doors, *args), start(lab, program("knockd"), "ours", doors, *args)]
        check_equal([daemon.stop() for daemon in daemons], [15, 15])
        # The peer writes targets of the other family into its filters, too.
        theirs, ours = ([line for line in daemon.lines() if not re.search("log file: |expression for door 't", line)] for daemon in daemons)
        difference = "\n".join(difflib.unified_diff(theirs, ours, "peer", "ours", lineterm="", n=0))
        check_equal(difference, "", f"{args} {doors}")


if __name__ == "__main__":
    main(Lab)
