# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets seen on an interface, taken apart as far as tests look at them."""
import dataclasses
import select
import socket
import struct
import time

from harness import LIMIT_S, SCALE

ETH_P_ALL = 3
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


@dataclasses.dataclass
class Packet:
    time: float
    source: str = ""
    destination: str = ""
    protocol: int = 0
    source_port: int = 0
    destination_port: int = 0
    tcp_flags: int = 0
    payload: bytes = b""  # after the TCP or UDP header; after the IP header for other protocols
    raw: bytes = b""  # the whole frame


def parse(frame, at=0.0):
    """An Ethernet frame; fields that do not apply stay empty."""
    packet = Packet(at, raw=frame)
    kind, rest = struct.unpack("!H", frame[12:14])[0], frame[14:]
    if kind == 0x0800:
        length = struct.unpack("!H", rest[2:4])[0]
        packet.protocol, header = rest[9], (rest[0] & 15) * 4
        packet.source, packet.destination = socket.inet_ntoa(rest[12:16]), socket.inet_ntoa(rest[16:20])
        body = rest[header:length]
    elif kind == 0x86DD:
        length, packet.protocol = struct.unpack("!HB", rest[4:7])
        packet.source = socket.inet_ntop(socket.AF_INET6, rest[8:24])
        packet.destination = socket.inet_ntop(socket.AF_INET6, rest[24:40])
        body = rest[40:40 + length]
    else:
        return packet
    packet.payload = body
    if packet.protocol in (TCP, UDP):
        packet.source_port, packet.destination_port = struct.unpack("!HH", body[:4])
        if packet.protocol == TCP:
            packet.tcp_flags, packet.payload = body[13], body[(body[12] >> 4) * 4:]
        else:
            packet.payload = body[8:]
    return packet


class Capture:
    """Collects every packet of one interface from the moment it is made (Namespace.capture)."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((interface, ETH_P_ALL))
        self.packets = []

    def close(self):
        self.socket.close()

    def collect(self, limit_s=0.0):
        """Takes what has arrived, waiting up to limit_s for the first; all packets so far."""
        while select.select([self.socket], [], [], limit_s)[0]:
            self.packets.append(parse(self.socket.recv(65536), time.time()))
            limit_s = 0
        return self.packets

    def wait_for(self, condition, limit_s=None, count=1):
        """The first `count` packets for which condition(packet) is true, as a list; AssertionError after the limit."""
        end = time.monotonic() + (LIMIT_S if limit_s is None else limit_s * SCALE)
        while True:
            found = [p for p in self.packets if condition(p)]
            if len(found) >= count:
                return found[:count]
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{len(found)} of {count} packets came; seen: {self.packets}")
            self.collect(left)
