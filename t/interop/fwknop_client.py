# SPDX-License-Identifier: GPL-2.0-or-later
"""Our fwknop client and Debian's fwknopd: every transport, NAT, commands, GnuPG; and the headers of raw packets."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from gpg_home import GpgHome
from harness import check, check_equal, main, need_tools, peer, program, wait_until
from lab import Lab

KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
KEYS = ["KEY_BASE64 " + KEY, "HMAC_KEY_BASE64 " + HMAC_KEY]
WITH_KEYS = ["--key-base64-rijndael", KEY, "--key-base64-hmac", HMAC_KEY, "--no-save-args"]
GRANT = r"-A FWKNOP_INPUT -s 10\.9\.0\.2/32 -p tcp -m tcp --dport 22 .*-j ACCEPT"
ICMP, TCP, UDP = 1, 6, 17

# name: (lines of fwknopd.conf, arguments of the client)
TRANSPORTS = {
    "udpraw": ([], ["-P", "udpraw"]),
    "udpraw_spoofed": ([], ["-P", "udpraw", "-Q", "10.9.0.77", "-S", "53"]),
    "tcpraw": (["PCAP_FILTER tcp port 62201;"], ["-P", "tcpraw"]),
    "icmp": (["PCAP_FILTER icmp;"], ["-P", "icmp"]),
    "icmp_echo_request": (["PCAP_FILTER icmp;"], ["-P", "icmp", "--icmp-type", "8"]),
    "tcp": (["ENABLE_TCP_SERVER Y;", "PCAP_FILTER tcp port 62201;"], ["-P", "tcp"]),
    "http": (["ENABLE_TCP_SERVER Y;", "PCAP_FILTER tcp port 62201;", "ENABLE_SPA_OVER_HTTP Y;"], ["-P", "http"]),
    "other_port": (["PCAP_FILTER udp port 4000;"], ["-p", "4000"]),
    "random_port": (["PCAP_FILTER udp;"], ["-r"]),
    "source_port": (["PCAP_FILTER udp src port 2000;"], ["-S", "2000"]),
}


def start_daemon(lab, conf_lines, stanza):
    conf = lab.write("fwknopd.conf", "\n".join([f"PCAP_INTF {lab.gateway.interface};", f"FWKNOP_RUN_DIR {lab.dir}/run;", *conf_lines]) + "\n")
    access = lab.write("access.conf", "\n".join(["SOURCE ANY", *stanza]) + "\n")
    daemon = lab.gateway.spawn(peer("fwknopd"), "-f", "-c", conf, "-a", access)
    daemon.wait_for_line("Starting fwknopd main event loop")
    return daemon


def send(lab, path, *arguments):
    return lab.client.run(path, "-A", "tcp/22", "-a", lab.client.address, "-D", lab.gateway.address, "--no-rc-file", *arguments,
                          env={**os.environ, "HOME": str(lab.dir)}).stdout


def make_transport_tests():
    for name, (conf_lines, arguments) in TRANSPORTS.items():
        def run(lab, conf_lines=conf_lines, arguments=arguments):
            daemon = start_daemon(lab, conf_lines, KEYS)
            send(lab, program("fwknop"), *WITH_KEYS, *arguments)
            lab.gateway.wait_for_rule(GRANT)
            daemon.stop()
        globals()[f"test_{name}"] = lambda lab, run=run: run(lab)


make_transport_tests()


def test_command(lab):
    done = lab.dir / "done"
    daemon = start_daemon(lab, [], [*KEYS, "ENABLE_CMD_EXEC Y"])
    send(lab, program("fwknop"), *WITH_KEYS, "-C", f"touch {done}")
    wait_until(done.exists, what="the command's file")
    daemon.stop()


def test_nat(lab):
    daemon = start_daemon(lab, ["ENABLE_IPT_FORWARDING Y;"], KEYS)
    output = send(lab, program("fwknop"), *WITH_KEYS, "-N", "10.9.0.5:33", "--nat-rand-port")
    port = output.split("'")[1]
    lab.gateway.wait_for_rule(rf"--dport {port} .*--to-destination 10\.9\.0\.5:33", table="nat")
    daemon.stop()


def test_gnupg(lab):
    need_tools("gpg")
    with GpgHome() as server, GpgHome() as client:
        recipient, signer = server.make_key("server"), client.make_key("client")
        server.import_text(client.export_public("client"))
        client.import_text(server.export_public("server"))
        server.trust(f"{signer}:6:\n")
        stanza = [f"GPG_HOME_DIR {server.path}", f"GPG_REMOTE_ID {signer[-8:]}", "GPG_ALLOW_NO_PW Y",
                  f"GPG_DECRYPT_ID {recipient[-8:]}", KEYS[1]]
        daemon = start_daemon(lab, [], stanza)
        send(lab, program("fwknop"), "--gpg-recipient-key", recipient, "--gpg-signer-key", signer, "--gpg-home-dir", client.path,
             "--gpg-no-signing-pw", "--key-base64-hmac", HMAC_KEY, "--no-save-args")
        lab.gateway.wait_for_rule(GRANT)
        daemon.stop()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def captured(lab, path, protocol, *arguments):
    """The IP packet of one run of a client, from its first byte."""
    capture = lab.gateway.capture()
    send(lab, path, *WITH_KEYS, *arguments)
    capture.wait_for(lambda p: p.protocol == protocol and len(p.payload) > 140)
    return next(p.raw[14:] for p in capture.collect() if p.protocol == protocol and len(p.payload) > 140)


def header_fields(packet, protocol):
    """What does not change from run to run: no ids, checksums, random ports."""
    body = packet[20:]
    fields = {"first": packet[:4], "flags": packet[6:10], "addresses": packet[12:20]}
    if protocol == TCP:
        fields["tcp"] = body[2:16] + body[18:20]
    elif protocol == UDP:
        fields["udp"] = body[2:6]
    else:
        fields["icmp"] = body[:2] + body[6:8]
    return fields


def test_raw_headers_are_the_peers(lab):
    for name, protocol in (("udpraw", UDP), ("tcpraw", TCP), ("icmp", ICMP)):
        for more in (["--icmp-type", "8"], ["--icmp-type", "3", "--icmp-code", "1"]) if name == "icmp" else ([], ["-Q", "10.9.0.77"]):
            arguments = ["-P", name, *more]
            ours = captured(lab, program("fwknop"), protocol, *arguments)
            theirs = captured(lab, peer("fwknop"), protocol, *arguments)
            check_equal(header_fields(ours, protocol), header_fields(theirs, protocol), str(arguments))


def test_checksums_of_raw_packets(lab):
    for name, protocol in (("udpraw", UDP), ("tcpraw", TCP), ("icmp", ICMP)):
        packet = captured(lab, program("fwknop"), protocol, "-P", name)
        check_equal(checksum(packet[:20]), 0, name + ": IP")
        body = packet[20:]
        pseudo = b"" if protocol == ICMP else packet[12:20] + struct.pack("!BBH", 0, protocol, len(body))
        check(any(body[6:8] if protocol == UDP else b"1"), name + ": no checksum")
        check_equal(checksum(pseudo + body), 0, name)


if __name__ == "__main__":
    main(Lab)
