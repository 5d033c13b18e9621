# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd: CPU for a first-port hit by live attempts and doors; what the filter costs every other packet."""
import ctypes
import os
import time

import knockd_rows
import meters
import wire

START_LIMIT_S = 20
FILL_LIMIT_S = 20


def start(bed, name, path, doors):
    """The daemon with so many doors; None, with a note, when it does not start in time."""
    daemon, _ = knockd_rows.start(bed.lab, path, knockd_rows.many_doors(doors), START_LIMIT_S)
    if daemon is None:
        bed.report.note(f"knockd with {doors} doors does not listen after {START_LIMIT_S} s ({name}): its cells are empty")
    return daemon


def stages(daemon):
    """First hits that the daemon has told of."""
    return daemon.text().count(": Stage 1\n")


def fill(bed, daemon, port, attempts):
    """Begins so many attempts, as fast as the daemon takes them. False: not within the limit."""
    end, begun = time.monotonic() + FILL_LIMIT_S, 0
    while begun < attempts:
        portion = min(500, attempts - begun)
        for i in range(begun, begun + portion):
            bed.sender.syn(wire.address("10.60.0.1", i), port)
        begun += portion
        while stages(daemon) < begun:
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
    return True


def hit_cost(bed, daemon, port, rate, hits):
    """us of CPU for each hit that was sent, and whether the daemon kept up: from eight sources in turn, of whose hits each
    second one ends an attempt, so that the number of live attempts stays."""
    frames = [wire.syn_frame(bed.sender.mac, wire.address("10.62.0.1", i), bed.sender.target, port) for i in range(8)]
    before, begin = meters.wait_until_idle(daemon.pid), time.monotonic()
    sent = bed.sender.flood(frames, rate, hits / rate).wait() * hits / rate
    took = time.monotonic() - begin
    used = meters.wait_until_idle(daemon.pid, limit_s=30) - before
    return used / sent, used < 0.9e6 * took


def first_hits(bed):
    """Debian's daemon walks a list of attempts and one of doors; ours holds 65,536 attempts at most."""
    points = {}
    sizes = ((1, 1000), (1, 100)) if bed.is_quick else ((1, 1000, 100000), (1, 100, 1000))
    for doors in sizes[1]:
        port = 1000 + 3 * (doors // 2)
        for name, path in bed.knockd:
            for attempts in sizes[0]:
                daemon = start(bed, name, path, doors)
                if daemon is None:
                    break
                if not fill(bed, daemon, port, attempts):
                    bed.report.note(f"{attempts} attempts at {doors} doors were not begun after {FILL_LIMIT_S} s ({name}): empty cells")
                    daemon.stop(9)
                    continue
                for rate, hits in ((1000, 2000), (20000, 20000)):
                    used, keeps_up = hit_cost(bed, daemon, port, rate, hits)
                    if not keeps_up:
                        bed.report.note(f"{rate} hits a second, {attempts} attempts, {doors} doors: a whole processor is not enough, "
                                        f"hits were lost and the figure is too low ({name})")
                    bed.report.add(f"first-port hit, {rate} a second, {attempts} live attempts, {doors} doors", "us CPU", name, used,
                                   "<= 2" if rate == 20000 else None)
                    points.setdefault(f"{name}, {doors} doors, {rate} a second", []).append((attempts, used))
                daemon.stop(9)
    bed.plot("first-hits", "CPU for one first-port hit", "live attempts", "us", points, log_y=True)


class Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("parts", ctypes.c_void_p), ("part_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    _fields_ = [("header", Header), ("sent", ctypes.c_uint)]


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Blaster:
    """Sends one frame in calls of 64 and takes the time: the receiving side of a veth pair runs within the sender's call, so
    that what a filter costs shows in it."""

    A_CALL, CALLS = 64, 1000

    def __init__(self, bed, frame):
        self.bed, self.socket, self.libc = bed, bed.sender.socket, ctypes.CDLL(None, use_errno=True)
        self.frame = ctypes.create_string_buffer(frame, len(frame))
        self.part = Part(ctypes.addressof(self.frame), len(frame))
        self.messages = (Message * self.A_CALL)()
        for message in self.messages:
            message.header.parts, message.header.part_count = ctypes.addressof(self.part), 1

    def received(self):
        """Packets that came behind the capture, where the sender's rule drops them."""
        listing = self.bed.lab.gateway.iptables("-t", "raw", "-xnvL", "PREROUTING").splitlines()[2:]
        return sum(int(line.split()[0]) for line in listing)

    def us_a_packet(self):
        """The quarter of the calls that took the least tells: what else the machine does only adds to a call."""
        times, sent, before = [], 0, self.received()
        for _ in range(self.CALLS):
            begin = time.perf_counter()
            count = self.libc.sendmmsg(self.socket.fileno(), self.messages, self.A_CALL, 0)
            times.append((time.perf_counter() - begin) * 1e6 / max(1, count))
            sent += count
        time.sleep(0.1)
        came = self.received() - before
        if came < 0.99 * sent:
            self.bed.report.note(f"filter's cost: {sent - came} of {sent} packets were lost before the capture")
        return sorted(times)[len(times) // 4]


def filter_cost(bed):
    points = {}
    cpus = os.sched_getaffinity(0)
    blaster = Blaster(bed, wire.syn_frame(bed.sender.mac, "10.50.0.1", bed.sender.target, 60001))
    for doors in (1, 100) if bed.is_quick else (1, 100, 500):
        for name, path in bed.knockd:
            daemon = start(bed, name, path, doors)
            if daemon is None:
                continue
            # Nobody else's turn on this processor, and the daemon's own work elsewhere.
            os.sched_setaffinity(0, {min(cpus)})
            before, with_filter = meters.cpu_us(daemon.pid), blaster.us_a_packet()
            # A filter that is too long for the kernel runs in the daemon.
            own = (meters.wait_until_idle(daemon.pid) - before) / (blaster.A_CALL * blaster.CALLS)
            daemon.stop(9)
            cost = max(0, with_filter - blaster.us_a_packet()) + own
            os.sched_setaffinity(0, cpus)
            bed.report.add(f"filter's cost for every other packet, {doors} doors", "us", name, cost, "<= 0.3")
            points.setdefault(name, []).append((doors, max(0.001, cost)))
    bed.plot("filter-cost", "What the filter costs every other packet", "doors", "us", points, log_y=True)


def rows(bed):
    return {
        "first-hits": lambda: first_hits(bed),
        "filter-cost": lambda: filter_cost(bed),
    }
