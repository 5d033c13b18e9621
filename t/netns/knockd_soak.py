# SPDX-License-Identifier: GPL-2.0-or-later
"""Many knockers at once: every correct knock opens, no other does. SEED=N repeats a run."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check_equal, main, program, wait_until
from knock_packets import ACK, SYN, Sender, ip, tcp, udp
from lab import Lab

KNOCKERS, WRONG = 200, 100
CONF = """\
[options]
logfile = {dir}/log
[long]
sequence = 7000,8000,9000
seq_timeout = 300
tcpflags = syn
command = echo long %IP% >> {dir}/out
[short]
sequence = 7000,8000
seq_timeout = 300
tcpflags = syn
command = echo short %IP% >> {dir}/out
[mixed]
sequence = 5000:udp,6000,5001:udp
seq_timeout = 300
command = echo mixed %IP% >> {dir}/out
[fence]
sequence = 6999:udp
command = echo fence %IP% >> {dir}/out
"""
# Hits after which the door named has opened, and such after which none has.
RIGHT = {"long": [("t", 7000), ("t", 8000), ("t", 9000)], "mixed": [("u", 5000), ("t", 6000), ("u", 5001)]}
FALSE = [[("t", 7000), ("t", 9000), ("t", 8000)], [("t", 8000), ("t", 7000), ("t", 9000)], [("t", 7000), ("u", 5000), ("t", 8000)],
         [("u", 5000), ("u", 5001), ("t", 6000)], [("t", 6000), ("u", 5000), ("u", 5000)], [("t", 9000), ("t", 8000), ("t", 7000)]]


def hit(source, target, kind, port, dice):
    """With junk before it now and then: other ports, other flags, which change nothing."""
    packets = [ip(source, target, udp(port) if kind == "u" else tcp(port, SYN))]
    if dice.random() < 0.3:
        packets.insert(0, ip(source, target, tcp(dice.randrange(20000, 30000))))
    if dice.random() < 0.3 and port in (7000, 8000, 9000):
        packets.insert(0, ip(source, target, tcp(port, ACK)))
    return packets


def test_every_correct_knock_opens_and_no_other(lab):
    seed = int(os.environ.get("SEED", "6"))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    conf = lab.write("knockd.conf", CONF.format(dir=lab.dir))
    daemon = lab.gateway.spawn(program("knockd"), "-c", conf, "-i", lab.gateway.interface, "-v")
    daemon.wait_for_line("listening on")
    sender = Sender(lab.client, lab.gateway)

    wanted, queues = [], []
    for number in range(KNOCKERS + WRONG):
        six = number % 4 == 0
        source = f"fd00:9::{number + 16:x}" if six else f"10.9.{1 + number // 200}.{1 + number % 200}"
        target = lab.gateway.address6 if six else lab.gateway.address
        if number < KNOCKERS:
            door = dice.choice(sorted(RIGHT))
            hits = RIGHT[door]
            wanted.append(f"{door} {source}")
            if door == "long":
                wanted.append(f"short {source}")
        else:
            hits = dice.choice(FALSE)
        queues.append([hit(source, target, kind, port, dice) for kind, port in hits])
    sent = 0
    while queues:
        queue = dice.choice(queues)
        sender.send(*queue.pop(0))
        sent += 1
        if not queue:
            queues.remove(queue)
        if sent % 50 == 0:  # The daemon keeps pace: nothing may be lost for want of room.
            fence(lab, sender, sent)
    fence(lab, sender, sent)

    def opened():
        lines = (lab.dir / "out").read_text().splitlines()
        return sorted(line for line in lines if not line.startswith("fence"))
    wait_until(lambda: len(opened()) >= len(wanted), what="all commands")
    # FALSE sequences that begin 7000,8000 or hold 8000 behind 7000 open nothing: each breaks before.
    check_equal(opened(), sorted(wanted))
    check_equal(daemon.stop(), 15)
    sender.close()


def fence(lab, sender, number):
    source = f"10.9.200.{1 + number // 50 % 250}"
    sender.send(ip(source, lab.gateway.address, udp(6999)))
    out = lab.dir / "out"
    wait_until(lambda: out.exists() and f"fence {source}\n" in out.read_text(), what="the fence")


if __name__ == "__main__":
    main(Lab)
