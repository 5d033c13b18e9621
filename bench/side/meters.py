# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program costs: time, CPU, memory, wake-ups, programs started; and when a firewall rule came and went."""
import os
import resource
import socket
import struct
import subprocess
import threading
import time


def family(pid):
    """The daemon and those of its descendants that run the same program: a daemon of two processes hides nothing."""
    found, exe = [pid], _exe(pid)
    for child in children(pid):
        if _exe(child) == exe:
            found += family(child)
    return found


def _exe(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _sum(pids, read):
    total = 0
    for pid in pids:
        try:
            total += read(pid)
        except (OSError, StopIteration):
            pass
    return total


def _field(path, name):
    with open(path) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def cpu_us(pid):
    """CPU of the daemon's own processes so far; programs that it starts are not in it."""
    def one(member):
        with open(f"/proc/{member}/schedstat") as file:
            return int(file.read().split()[0]) / 1000
    return _sum(family(pid), one)


def wakeups(pid):
    return _sum(family(pid), lambda member: _field(f"/proc/{member}/status", "voluntary_ctxt_switches"))


def private_kib(pid):
    return _sum(family(pid), lambda member: _field(f"/proc/{member}/smaps_rollup", "Private_Clean") +
                _field(f"/proc/{member}/smaps_rollup", "Private_Dirty"))


def peak_kib(pid, members=None):
    return _sum(members or family(pid), lambda member: _field(f"/proc/{member}/status", "VmHWM"))


def programs_started():
    """Processes made so far in this PID namespace."""
    with open("/proc/sys/kernel/ns_last_pid") as file:
        return int(file.read())


def wait_until_idle(pid, quiet_s=0.4, limit_s=120):
    """Until the CPU time stands still; that CPU time in us."""
    last, since, end = cpu_us(pid), time.monotonic(), time.monotonic() + limit_s
    while time.monotonic() < end and time.monotonic() - since < quiet_s:
        time.sleep(0.05)
        now = cpu_us(pid)
        if now - last > 3000:
            last, since = now, time.monotonic()
    return cpu_us(pid)


def _used_by_children():
    """CPU in ms of every process that has ended below this one. Orphans come here too: the lab makes us their subreaper."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e3


def _reap_orphans(is_over=lambda: False, limit_s=2):
    """Waits for every child that there is, or until `is_over`: what ends later would count for the next measurement."""
    end = time.monotonic() + limit_s
    try:
        while not is_over() and time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.002)
    except ChildProcessError:
        pass


def _reap_ended():
    """What ended before, such as the sensor of an earlier daemon, does not count from now on."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def run_timed(argv, orphans=False, **how):
    """Wall time and CPU in ms of one run to the end, with all that it started. (The peak memory would be Python's, which
    forked.) With `orphans` also of what it leaves behind, such as a sensor that ends after its monitor."""
    before, begin = _used_by_children(), time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    process.wait()
    wall = time.monotonic() - begin
    if orphans:
        _reap_orphans()
    return wall * 1e3, _used_by_children() - before


def end_timed(process, number=15):
    """Ends a daemon; CPU in ms of it and of every program that it started, over its whole life."""
    members = family(process.pid)
    _reap_ended()
    before = _used_by_children()
    process.send_signal(number)
    process.popen.wait()
    _reap_orphans(lambda: not any(os.path.exists(f"/proc/{member}") for member in members))
    return _used_by_children() - before


class RuleEvents:
    """Tells when nftables rules (iptables-nft makes such) come and go in a namespace, from the kernel's own messages."""

    NEW_RULE, DELETED_RULE = 6, 8

    def __init__(self, namespace):
        with namespace:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
            self.socket.bind((0, 1 << 6))  # NFNLGRP_NFTABLES
        self.socket.settimeout(0.2)
        self.came, self.went, self.is_open = {}, {}, True
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while self.is_open:
            try:
                datagram = self.socket.recv(1 << 20)
            except (TimeoutError, OSError):
                continue
            now, at = time.monotonic(), 0
            while at + 16 <= len(datagram):
                length, kind = struct.unpack_from("=IH", datagram, at)
                message = datagram[at:at + max(length, 16)]
                at += max(length + 3 & ~3, 16)
                for seen, wanted in ((self.came, self.NEW_RULE), (self.went, self.DELETED_RULE)):
                    if kind & 0xff == wanted:
                        self._note(seen, message, now)

    def _note(self, seen, message, now):
        # Every address of the benches is in 10.91.0.0/16; the rule holds it as four bytes. Before them comes the rule's
        # number, in which the two bytes may stand, too.
        begin = message.rfind(b"\x0a\x5b")
        if begin >= 0:
            seen.setdefault(socket.inet_ntoa(message[begin:begin + 4]), now)

    def wait(self, seen, addresses, limit_s):
        end = time.monotonic() + limit_s
        while time.monotonic() < end and not all(address in seen for address in addresses):
            time.sleep(0.001)
        return [seen.get(address) for address in addresses]

    def close(self):
        self.is_open = False
        self.thread.join()
        self.socket.close()
