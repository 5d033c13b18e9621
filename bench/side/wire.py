# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames for the gateway, senders of floods, capture files, and SPA packets made by our client."""
import base64
import multiprocessing
import os
import random
import re
import socket
import struct
import time

KEY, HMAC_KEY = b"an encryption key for benchmarks", b"another key, for the HMAC of benchmarks only"
JUNK_BYTES = 205


def text_of(key):
    return base64.b64encode(key).decode()


def junk(count, seed=1):
    """Packets in good form that no key authenticates."""
    source = random.Random(seed)
    return [b"Q" + base64.b64encode(source.randbytes(JUNK_BYTES))[:JUNK_BYTES - 1] for _ in range(count)]


def checksum(data, total=0):
    data += b"\0" * (len(data) % 2)
    total += sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _ethernet(mac, protocol, source, target, body):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), random.getrandbits(16), 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(target))
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return mac + b"\x02\0\0\0\0\x77\x08\0" + header + body


def udp_frame(mac, source, target, port, payload, source_port=40000):
    return _ethernet(mac, 17, source, target, struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload)


def syn_frame(mac, source, target, port, source_port=40000):
    body = struct.pack("!HHIIBBHHH", source_port, port, random.getrandbits(32), 0, 0x50, 2, 64240, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", 6, len(body))
    body = body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]
    return _ethernet(mac, 6, source, target, body)


def address(base, index):
    return socket.inet_ntoa(struct.pack("!I", struct.unpack("!I", socket.inet_aton(base))[0] + index))


class Sender:
    """Frames from the client's end of the cable."""

    def __init__(self, lab):
        with lab.client:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind((lab.client.interface, 0x0800))
        link = lab.gateway.run("ip", "-o", "link", "show", lab.gateway.interface).stdout
        self.mac = bytes.fromhex(re.search(r"link/ether ([0-9a-f:]+)", link)[1].replace(":", ""))
        self.target = lab.gateway.address
        # Nobody listens behind the capture: answers and complaints would only cost time.
        for protocol in ("udp", "tcp"):
            lab.gateway.iptables("-t", "raw", "-A", "PREROUTING", "-i", lab.gateway.interface, "-p", protocol, "-j", "DROP")

    def send(self, frame):
        self.socket.send(frame)

    def spa(self, payload, source="10.77.1.2", source_port=40000):
        self.send(udp_frame(self.mac, source, self.target, 62201, payload, source_port))

    def syn(self, source, port):
        self.send(syn_frame(self.mac, source, self.target, port))

    def flood(self, frames, per_second, seconds):
        """Sends the frames round and round in a process of its own; a Flood to wait for."""
        return Flood(self.socket, frames, per_second, seconds)


class Flood:
    def __init__(self, sender, frames, per_second, seconds):
        self.sent = multiprocessing.Value("q", 0)
        self.process = multiprocessing.Process(target=self._run, args=(sender, frames, per_second, seconds), daemon=True)
        self.process.start()
        self.seconds = seconds

    def _run(self, sender, frames, per_second, seconds):
        begin, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - begin) < seconds:
            due = int(elapsed * per_second) - sent
            if due <= 0:
                time.sleep(0.0005)
                continue
            for _ in range(min(due, 256)):
                try:
                    sender.send(frames[sent % len(frames)])
                except OSError:
                    pass
                sent += 1
        self.sent.value = sent

    def wait(self):
        """The rate that was reached."""
        self.process.join()
        return self.sent.value / self.seconds


def write_capture(path, frames):
    now = int(time.time())
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", now, 0, len(frame), len(frame)) + frame)


def make_packets(client, folder, addresses, more=(), key=KEY, hmac_key=HMAC_KEY):
    """One SPA packet for each address that wants tcp/22, made by a fwknop client that sends nothing."""
    packets, path = [], os.path.join(folder, "spa-packet")
    for wanted in addresses:
        argv = [client, "-T", "-A", "tcp/22", "-a", wanted, "-D", "10.9.0.1", "--no-save-args", "--use-hmac", "-B", path,
                "--key-base64-rijndael", text_of(key), "--key-base64-hmac", text_of(hmac_key), *more]
        pid = os.posix_spawn(client, argv, {**os.environ, "HOME": str(folder)},
                             file_actions=[(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_WRONLY, 0) for number in (1, 2)])
        if os.waitpid(pid, 0)[1] != 0:
            raise RuntimeError(f"{client} did not make a packet")
        with open(path, "rb") as file:
            packets.append(file.read().rstrip(b"\n"))
    return packets
