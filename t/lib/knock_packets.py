# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets of knocks, from any source address: built by hand, sent as frames or written into a capture file."""
import socket
import struct

TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ETHERNET, RAW, COOKED = 1, 101, 113
EPOCH = 1700000000  # the first packet of every capture file


def tcp(port, flags=SYN, source_port=40000):
    return TCP, struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, flags, 1024, 0, 0)


def udp(port, payload=b"\0", source_port=40000):
    return UDP, struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload


def ip(source, target, content, options=b"", fragment=0, extension=b"", next_header=None):
    """An IPv4 or IPv6 packet, by its target. `options`, `fragment`: IPv4; `extension`, `next_header`: IPv6."""
    protocol, body = content
    if ":" in target:
        first = protocol if next_header is None else next_header
        return struct.pack("!IHBB", 6 << 28, len(extension) + len(body), first, 64) + socket.inet_pton(
            socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target) + extension + body
    words = 5 + len(options) // 4
    return struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 1, fragment, 64, protocol, 0) + \
        socket.inet_aton(source) + socket.inet_aton(target) + options + body


def ethertype(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86dd


def ethernet(packet, kind=None, to=b"\2\0\0\0\0\1", sender=b"\2\0\0\0\0\2"):
    return to + sender + struct.pack("!H", ethertype(packet) if kind is None else kind) + packet


def cooked(packet):
    return struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\2\0\0", ethertype(packet)) + packet


def write_capture(path, frames, link=ETHERNET):
    """`frames`: (seconds after EPOCH, bytes with their link header)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        for second, frame in frames:
            at = round((EPOCH + second) * 1000000)
            out.write(struct.pack("<IIII", at // 1000000, at % 1000000, len(frame), len(frame)) + frame)


def sensors(processes):
    """Those of the process numbers that are a knockd's sensor; a process may end while it is looked at."""
    found = []
    for pid in processes:
        try:
            with open(f"/proc/{pid}/comm") as name:
                if name.read().startswith("knockd: sensor"):
                    found.append(pid)
        except OSError:
            pass
    return found


class Sender:
    """Sends packets from `namespace` to the host at the other end of its first link."""

    def __init__(self, namespace, peer):
        self.to = self._mac(peer)
        with namespace:
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.wire.bind((namespace.interface, 0))

    @staticmethod
    def _mac(namespace):
        text = namespace.run("cat", f"/sys/class/net/{namespace.interface}/address", check=False).stdout.strip()
        if not text:
            text = namespace.run("ip", "-o", "link", "show", "dev", namespace.interface).stdout.split("link/ether ")[1].split()[0]
        return bytes.fromhex(text.replace(":", ""))

    def send(self, *packets):
        for packet in packets:
            self.wire.send(ethernet(packet, to=self.to))

    def close(self):
        self.wire.close()
