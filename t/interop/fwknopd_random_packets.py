# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's fwknopd and ours read the same capture file: random packets at random stanzas, the same lines and rules.

SEED=N repeats a run, ROUNDS=N makes it longer. Left out is what doc/DEVIATIONS.md lists: ports named twice, a default
timeout above the limit, local NAT to other hosts, SNAT that only a stanza wants, a limit for command cycles.
"""
import difflib
import os
import random
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, main, peer, program
from knock_packets import RAW, ip, tcp, udp, write_capture
from lab import Lab

PACKETS = 30
KEYS = [("first key", "its authenticator"), ("second key", "another authenticator"), ("third key", None)]
PORTS = ["tcp/22", "udp/53", "tcp/80", "udp/1194", "tcp/65535"]
NETWORKS = ["any", "10.0.0.0/8", "192.168.7.0/24", "10.1.2.0/26", "10.1.0.0/16, 192.168.0.0/16"]
SOURCES = ["10.1.2", "10.1.9", "10.200.0", "192.168.7", "192.168.8", "172.16.0"]
TARGETS = ["10.9.0.1", "10.9.0.7"]
READY = "Starting fwknopd main event loop."


def yes(dice, chance=0.3):
    return dice.random() < chance


def some_ports(dice):
    return ",".join(dice.sample(PORTS, dice.randint(1, 3)))


def random_stanza(dice, nat, snat):
    key, hmac_key = dice.choice(KEYS)
    lines = [f"SOURCE {dice.choice(NETWORKS)}", f"KEY {key}"] + ([f"HMAC_KEY {hmac_key}"] if hmac_key else [])
    limit = dice.choice([100, 200, 300])
    lines += [f"MAX_FW_TIMEOUT {limit}", f"FW_ACCESS_TIMEOUT {dice.choice([50, 80, 100])}"]
    for chance, line in ((0.2, f"DESTINATION {dice.choice(['10.9.0.1', '10.9.0.0/24', '10.9.0.7'])}"), (0.3, f"OPEN_PORTS {some_ports(dice)}"),
                         (0.2, f"RESTRICT_PORTS {some_ports(dice)}"), (0.3, "REQUIRE_SOURCE_ADDRESS Y"),
                         (0.2, f"REQUIRE_USERNAME {dice.choice(['alice', 'bob'])}"), (0.1, "ACCESS_EXPIRE_EPOCH 1000000000"),
                         (0.1, "ACCESS_EXPIRE 1/1/2090"), (0.2, "ENABLE_CMD_EXEC Y")):
        lines += [line] if yes(dice, chance) else []
    if nat and yes(dice):
        lines += ["FORCE_NAT 10.3.0.9 8022"] + ([dice.choice(["FORCE_SNAT 10.9.0.1", "FORCE_MASQUERADE Y"])] if snat and yes(dice) else [])
    if nat and yes(dice, 0.2):
        lines.append(dice.choice(["FORWARD_ALL Y", "DISABLE_DNAT Y"]))
    if yes(dice, 0.1) and not any("PORTS" in line for line in lines):
        lines = [line for line in lines if not line.startswith("MAX_FW_TIMEOUT")]
        lines += ["CMD_CYCLE_OPEN /bin/true $SRC $PKT_SRC $DST $PORT $PROTO $CLIENT_TIMEOUT $FOO", "CMD_CYCLE_CLOSE NONE"]
    return "\n".join(lines) + "\n"


def random_configuration(lab, dice):
    nat, snat = yes(dice, 0.6), yes(dice)
    options = [f"ENABLE_IPT_{name} {dice.choice('YN')}" for name in ("OUTPUT", "LOCAL_NAT")]
    options += [f"ENABLE_IPT_FORWARDING {'Y' if nat else 'N'}", f"ENABLE_IPT_SNAT {'Y' if snat else 'N'}"]
    options += [f"{name} {dice.choice('YN')}" for name in ("ENABLE_DESTINATION_RULE", "ENABLE_RULE_PREPEND", "ENABLE_SPA_OVER_HTTP",
                                                     "ENABLE_X_FORWARDED_FOR")]
    options += ["SNAT_TRANSLATE_IP 10.9.0.99"] if snat and yes(dice) else []
    conf = "\n".join(options + ["ENABLE_SPA_PACKET_AGING Y", "FLUSH_IPT_AT_EXIT N", "PCAP_FILTER udp port 62201 or tcp port 62201"]) + "\n"
    stanzas = "".join(random_stanza(dice, nat, snat) for _ in range(dice.randint(1, 5)))
    return lab.write("fwknopd.conf", conf), lab.write("access.conf", stanzas)


def random_request(dice, number, target):
    """Options of the client. Each address is let in once: who asks twice in a second gets one rule, or two."""
    allowed = dice.choice(["-s", f"-a10.77.{number // 200}.{number % 200 + 1}", f"-a10.77.{number // 200}.{number % 200 + 1}"])
    options = ["-A", some_ports(dice), allowed, "-U", dice.choice(["alice", "bob", "al"])]
    options += ["-f", dice.choice([1000, 20, 65536, 150])] if yes(dice) else []
    options += [dice.choice(["--time-offset-minus", "--time-offset-plus"]), f"{dice.choice([50, 500, 7200])}s"] if yes(dice, 0.15) else []
    kind = dice.random()
    if kind < 0.15:
        options += ["-N", f"10.3.0.{dice.randint(1, 9)}:{dice.choice([22, 8080])}"]
    elif kind < 0.25:
        options += ["--nat-local", "-N", f"{target}:{dice.choice([22, 8080])}"]
    elif kind < 0.35:
        options += ["-C", dice.choice(["/bin/true one two", "tcp/22", "/bin/true"])]
    return options


def make_packet(lab, dice, number, receiver):
    """The bytes of a packet of our client, on its way to TARGETS."""
    target = dice.choice(TARGETS)
    key, hmac_key = dice.choice(KEYS)
    lab.client.run(program("fwknop"), "-D", "127.0.0.1", "--key-rijndael", key, "--no-save-args", "--rc-file", lab.write("rc", ""),
                   *(["--use-hmac", "--key-hmac", hmac_key] if hmac_key else []), *random_request(dice, number, target))
    payload = receiver.recv(2000)
    if yes(dice, 0.05):
        at = dice.randrange(len(payload))
        payload = payload[:at] + dice.choice([b"A", b"z", b"=", b"!"]) + payload[at + 1:]
    if yes(dice, 0.15):
        payload = as_request(dice, payload)
    return payload, target


def as_request(dice, payload):
    agent = dice.choice(["Fwknop/2.6.10", "Mozilla/5.0"])
    forwarded = dice.choice(["", "", "X-Forwarded-For: 10.88.0.1\r\n", "x-forwarded-for: 10.88.0.2, 10.88.0.3\r\n", "X-Forwarded-For: me\r\n"])
    path = payload.replace(b"+", b"-").replace(b"/", b"_").decode()
    return f"{dice.choice(['GET', 'get', 'POST'])} /{path} HTTP/1.1\r\nUser-Agent: {agent}\r\n{forwarded}Host: a\r\n\r\n".encode()


def junk(dice):
    size = dice.choice([20, 139, 140, 141, 399, 400, 401, 1499, 1500, 1501])
    head = dice.choice(["", "", "U2FsdGVkX1", "hQ"])
    return (head + "".join(dice.choice("ABCxyz019+/") for _ in range(size)))[:size].encode(), dice.choice(TARGETS)


def as_frame(dice, payload, target, number):
    source = f"{dice.choice(SOURCES)}.{number}"
    header, body = dice.choice([udp(62201, payload), (6, tcp(62201, 0x18)[1] + payload)])
    return number, ip(source, target, (header, body))


def normal(text, begin):
    """Times become what is left of them, in tens of seconds; what 2.6.10 says otherwise, and what comes when it will, goes."""
    kept = []
    for line in text.splitlines():
        if re.search(r"HMAC_COMPAREFAIL|Non-corresponding HMAC|CMD_EXEC: command returned", line):
            continue
        line = re.sub(r"(expires at |_exp_)(\d+)", lambda m: f"{m[1]}+{round((int(m[2]) - begin) / 10)}0", line)
        line = re.sub(r"(Error creating fko context: ).*", r"\1", line)  # only the canonical text of a packet is decrypted
        line = re.sub(r"too great \(\d+ seconds\)", "too great", line)
        kept.append(re.sub(r"(Entry created: ).*", r"\1", line))
    return kept


def run(lab, path, conf, access, capture, packets, name):
    host = lab.namespace(name)
    begin = time.time()
    text = host.run(path, "-f", "-c", conf, "-a", access, "-r", f"{lab.dir}/{name}", "--pcap-file", capture, "-C", packets, limit_s=10).stderr
    check(READY in text, text)
    rules = [rule for table in ("filter", "nat") for rule in host.rules(table) if "FWKNOP" in rule]
    return normal(text.split(READY)[1], begin) + normal("\n".join(rules), begin)


def test_the_same_lines_and_rules(lab):
    peers = peer("fwknopd")
    seed = int(os.environ.get("SEED", "1"))
    with lab.client:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    lab.sockets.append(receiver)
    receiver.bind(("127.0.0.1", 62201))
    receiver.settimeout(10)
    added = 0
    for number in range(int(os.environ.get("ROUNDS", "4"))):
        dice = random.Random(seed * 1000 + number)
        conf, access = random_configuration(lab, dice)
        payloads = [make_packet(lab, dice, i, receiver) for i in range(PACKETS)]
        payloads += dice.sample(payloads, 5) + [junk(dice) for _ in range(5)]  # the first are replays
        frames = [as_frame(dice, *payload, i) for i, payload in enumerate(payloads)]
        write_capture(lab.dir / "capture", frames, RAW)
        try:
            theirs = run(lab, peers, conf, access, lab.dir / "capture", len(frames), f"theirs{number}")
        except subprocess.TimeoutExpired:  # it waits for a child for ever, now and then
            continue
        ours = run(lab, program("fwknopd"), conf, access, lab.dir / "capture", len(frames), f"ours{number}")
        added += sum(line.startswith("Added") for line in ours)
        if ours != theirs:
            diff = "\n".join(difflib.unified_diff(theirs, ours, "Debian's", "ours", lineterm="", n=4))
            raise AssertionError(f"SEED={seed}, round {number}\n{conf.read_text()}{access.read_text()}{diff}")
    check(added > 5, f"{added} rules in all")


if __name__ == "__main__":
    main(Lab)
