# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd: granting and withdrawing access."""
import random
import time

import meters
import wire
from fwknopd_rows import clean, stanza, start

TO_RULE = "SPA packet to rule in the kernel"
P95_TARGETS = {TO_RULE: "<= 15"}


def latency(bed):
    """A packet goes out; when is its rule in the kernel? Rules of packets before it end meanwhile."""
    trials = 20 if bed.is_quick else 50
    for name, path in bed.fwknopd:
        addresses = [wire.address("10.91.0.1", i) for i in range(trials)]
        packets = wire.make_packets(bed.client, bed.lab.dir, addresses)
        daemon = start(bed.lab, path, stanza(timeout_s=2))
        events = meters.RuleEvents(bed.lab.gateway)
        for address, packet in zip(addresses, packets):
            time.sleep(random.uniform(0.15, 0.35))
            begin = time.monotonic()
            bed.sender.spa(packet)
            came, = events.wait(events.came, [address], 5)
            if came is None:
                bed.report.add("SPA packet never became a rule", "trials", name, 1)
            else:
                bed.report.add(TO_RULE, "ms", name, (came - begin) * 1e3, "<= 8")
        events.close()
        daemon.stop()


def fill(bed, events, count):
    """Live rules for later: by packets, forty at a time."""
    addresses = [wire.address("10.91.100.1", i) for i in range(count)]
    packets = wire.make_packets(bed.client, bed.lab.dir, addresses, more=("-f", "900"))
    for at in range(0, count, 40):
        for packet in packets[at:at + 40]:
            bed.sender.spa(packet)
        events.wait(events.came, addresses[at:at + 40], 10)
    return sum(1 for address in addresses if address in events.came)


def removal(bed, trials=12, asked_s=2):
    """When is a rule gone, against the time asked, counted from the packet?"""
    for others in (0, 100, 1000) if not bed.is_quick else (0, 100):
        for name, path in bed.fwknopd:
            if others > 100 and name != "ours":
                continue  # the peer does not remove them within ten seconds with 100
            addresses = [wire.address("10.91.0.1", i) for i in range(trials)]
            packets = wire.make_packets(bed.client, bed.lab.dir, addresses, more=("-f", str(asked_s)))
            daemon = start(bed.lab, path, stanza() + "MAX_FW_TIMEOUT 1000\n")
            events = meters.RuleEvents(bed.lab.gateway)
            there = fill(bed, events, others)
            if there < others:
                bed.report.note(f"{there} of {others} other rules were made ({name})")
            sent = {}
            for address, packet in zip(addresses, packets):
                time.sleep(random.uniform(0.15, 0.35))
                sent[address] = time.monotonic()
                bed.sender.spa(packet)
            row = f"rule gone, against the {asked_s} s asked, {others} other rules"
            for address, went in zip(addresses, events.wait(events.went, addresses, asked_s + 6)):
                if went:
                    bed.report.add(row, "ms", name, (went - sent[address] - asked_s) * 1e3, "0..50")
                else:
                    bed.report.add(f"rule not gone {asked_s + 6} s later, {others} other rules", "rules", name, 1, "0")
            events.close()
            daemon.stop()


def storm(bed, count=500):
    """Many valid packets at once: when is the last rule there?"""
    for name, path in bed.fwknopd:
        for mode, options in (("capture", ()), ("UDP server", ("-U",))):
            addresses = [wire.address("10.91.2.1", i) for i in range(count)]
            packets = wire.make_packets(bed.client, bed.lab.dir, addresses)
            daemon = start(bed.lab, path, stanza(timeout_s=60), *options)
            if options:
                bed.lab.gateway.iptables("-t", "raw", "-I", "PREROUTING", "-p", "udp", "--dport", "62201", "-j", "ACCEPT")
            events = meters.RuleEvents(bed.lab.gateway)
            begin = time.monotonic()
            for i, packet in enumerate(packets):
                bed.sender.spa(packet, source_port=10000 + i)
            came = [at for at in events.wait(events.came, addresses, 12) if at]
            bed.report.add(f"{count} valid packets at once, {mode}: let in", "packets", name, len(came), str(count))
            if came:
                bed.report.add(f"{count} valid packets at once, {mode}: last one in", "s", name, max(came) - begin, "<= 1.5")
            events.close()
            if options:
                bed.lab.gateway.iptables("-t", "raw", "-D", "PREROUTING", "-p", "udp", "--dport", "62201", "-j", "ACCEPT")
            daemon.stop()


def grant_run(bed, path, live, packets, addresses, is_granting):
    """CPU in ms of the daemon and all that it starts, over a life in which `live` rules are made and then, as it may be, one
    for each packet; the programs started for these."""
    daemon = start(bed.lab, path, stanza(timeout_s=600) + "MAX_FW_TIMEOUT 1000\n")
    events = meters.RuleEvents(bed.lab.gateway)
    fill(bed, events, live)
    before = meters.programs_started()
    for packet in packets:
        if is_granting:
            bed.sender.spa(packet)
        time.sleep(0.05)
    if is_granting:
        events.wait(events.came, addresses, 20)
    started = meters.programs_started() - before
    events.close()
    return meters.end_timed(daemon), started


def grant_cost(bed):
    """One grant, as the difference of two lives: with the grants, and without."""
    for live, count, target in ((0, 40, "<= 3"), (50, 100, "<= 3"), (1000, 40, "<= 12")):
        addresses = [wire.address("10.91.5.1", i) for i in range(count)]
        for name, path in bed.fwknopd:
            if live == 1000 and (bed.is_quick or name != "ours"):
                continue  # a minute for the peer's rules alone
            packets = wire.make_packets(bed.client, bed.lab.dir, addresses)
            without, _ = grant_run(bed, path, live, packets, addresses, False)
            with_grants, started = grant_run(bed, path, live, packets, addresses, True)
            what = f"one grant, {live} to {live + count} rules present"
            bed.report.add(what + ": CPU of daemon and programs", "ms", name, (with_grants - without) / count, target)
            if live == 50:
                bed.report.add(what + ": programs started", "programs", name, started / count, "<= 1.1")
    clean(bed.lab)


def rows(bed):
    return {
        "latency": lambda: latency(bed),
        "removal": lambda: removal(bed),
        "storm": lambda: storm(bed),
        "grant": lambda: grant_cost(bed),
    }
