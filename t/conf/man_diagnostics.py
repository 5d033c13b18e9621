# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages under DIAGNOSTICS of the man pages, each called forth by what the page says of it."""
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main
from knock_packets import ACK, ethernet, ip, tcp, write_capture
from lab import Lab
from man_examples import Place
from man_page import example_blocks, messages


class Seen:
    """Which messages of a page have come."""

    def __init__(self, page):
        self.missing = {message: re.compile(".+".join(map(re.escape, message.split("{}")))) for message in messages(page)}

    def take(self, text):
        for line in text.splitlines():
            self.missing = {message: pattern for message, pattern in self.missing.items() if not pattern.search(line)}

    def check(self, *others):
        """`others`: beginnings of messages that have tests elsewhere."""
        left = [message for message in self.missing if not message.startswith(others)]
        check(not left, f"did not come: {left}")
        check(all(any(m.startswith(other) for m in self.missing) for other in others), f"did come: {others}")


def test_fwknopd_8(lab):
    seen = Seen("fwknopd.8")
    with Place(lab) as place:
        stanza = example_blocks("access.conf.5")[0]
        place.write("fwknop/fwknopd.conf", "PCAP_INTF eth0\n")
        place.write("fwknop/access.conf", stanza.replace("ANY", "10.9.0.2") + "REQUIRE_USERNAME tester\n"
                    "SOURCE 10.9.0.2\nKEY other\nACCESS_EXPIRE 1/1/2020\n")
        keys = dict(line.split() for line in stanza.splitlines())
        hmac, both = f"--key-base64-hmac {keys['HMAC_KEY_BASE64']}", \
            f"--key-base64-rijndael {keys['KEY_BASE64']} --key-base64-hmac {keys['HMAC_KEY_BASE64']}"
        daemon = place.spawn(lab.gateway, "fwknopd -f")
        daemon.wait_for_line("Starting fwknopd main event loop")
        for options, pattern in (("-A tcp/22 -a 10.9.0.2 --key-rijndael x --key-hmac y", "Non-corresponding HMAC"),
                                 (f"-A tcp/22 -a 10.9.0.2 --key-rijndael x {hmac}", "Error creating fko context:"),
                                 (f"-A tcp/23 -a 10.9.0.2 {both}", "denied per access.conf"),
                                 (f"-A tcp/22 -s {both}", "Got 0.0.0.0"),
                                 (f"-A tcp/22 -a 10.9.0.2 {both} --time-offset-minus 10min", "time difference"),
                                 (f"-A tcp/22 -a 10.9.0.2 {both} -U other", "does not match required username"),
                                 (f"-A tcp/22 -a 10.9.0.2 {both} -N 10.0.0.1:22", "requested NAT access"),
                                 (f"-A tcp/22 -a 10.9.0.2 {both} -f 1 -B packet", "Added .* rule")):
            place.run(lab.client, f"fwknop -D 10.9.0.1 --no-rc-file --no-save-args -U tester {options}")
            daemon.wait_for_line(pattern)
        packet = (lab.dir / "packet").read_bytes().strip()
        lab.client.send_udp("10.9.0.1", 62201, packet)
        daemon.wait_for_line("Replay detected")
        daemon.wait_for_line("Removed rule")
        lab.client.run("ip", "address", "add", "10.9.0.3/24", "dev", lab.client.interface)
        with lab.client:
            lab.client.run(sys.executable, "-c", "import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); "
                           "s.bind(('10.9.0.3',0)); s.sendto(sys.argv[1].encode(),('10.9.0.1',62201))", packet.decode())
        daemon.wait_for_line("No access data found")
        lab.client.send_udp("10.9.0.1", 62201, b"A" * 500)
        daemon.wait_for_line("No stanza encryption mode match")
        seen.take(place.run(lab.gateway, "fwknopd -f", status=1).stderr)
        seen.take(trouble_at_the_start(lab, place))
        place.write("fwknop/access.conf", "SOURCE ANY\n")
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_line("the old one stays in force")
        seen.take(daemon.text())
    # GPG: t/interop/gpg.py; the interface: t/netns/fwknopd_interface.py; the life of the sensor: t/netns/fwknopd_crash.py.
    seen.check("[{}] (stanza #{}) Error creating fko context (before decryption)", "[{}] (stanza #{}) - GPG ERROR",
               "[{}] (stanza #{}) Incoming SPA packet signed by", "[*] Fatal error from pcap_dispatch",
               "The sensor process has ended")


def trouble_at_the_start(lab, place):
    """What fwknopd says without its files, its interface, its firewall, a place for its replay cache."""
    broken = lab.write("iptables", "#!/bin/sh\necho no such table >&2\nexit 3\n", mode=0o755)
    firewall = lab.write("firewall.conf", f"FIREWALL_EXE {broken}\n")
    here = f"-r {lab.dir}/run"
    said = "".join(place.run(lab.gateway, f"fwknopd -f {here} {options}", status=1).stderr
                   for options in ("-c none", "-i nosuch", f"-O {firewall}"))
    other = place.spawn(lab.gateway, f"fwknopd -f -t {here} -d {lab.dir}/none/digest.cache")
    other.wait_for_line("Starting fwknopd main event loop")
    other.stop()
    return said + other.text()


KNOCKD_CONF = """[options]
usesyslog
[door]
sequence = 7000,8000
seq_timeout = 2
tcpflags = syn
start_command = false
cmd_timeout = 0
stop_command = true
[any]
sequence = 7000,8001
[once]
one_time_sequences = {once}
start_command = true
[odd]
sequence = 1
seq_timeout = 5s
command = true
[shut]
sequence = x
command = true
"""


def test_access_conf_5(lab):
    seen = Seen("access.conf.5")
    plain = "SOURCE 192.0.2.0/24\nKEY x\n"
    with Place(lab) as place:
        place.write("fwknop/fwknopd.conf", "")
        for stanzas, status in (("SOURCE ANY\n", 1), ("SOURCE ANY\nKEY_BASE64 __CHANGEME__\n", 1), (f"{plain}OPEN_PORTS\n", 1),
                                (f"{plain}Open_Ports tcp/22\nMAX_FW_TIMEOUT 5\nFW_ACCESS_TIMEOUT 6\n", 0)):
            place.write("fwknop/access.conf", stanzas)
            seen.take(place.run(lab.gateway, f"fwknopd -f -r {lab.dir} --exit-parse-config", status).stderr)
    seen.check()


def test_fwknopd_conf_5(lab):
    seen = Seen("fwknopd.conf.5")
    with Place(lab) as place:
        place.write("fwknop/access.conf", "SOURCE ANY\nKEY x\n")
        place.write("fwknop/fwknopd.conf", "PCAP_INTF\nMAX_SPA_PACKET_AGE 12O\n").chmod(0o644)
        seen.take(place.run(lab.gateway, f"fwknopd -f -r {lab.dir} --exit-parse-config", 1).stderr)
    seen.check()


def test_knockd_conf_5(lab):
    seen = Seen("knockd.conf.5")
    with Place(lab) as place:
        for text in ("[options]\nUseSyslog\n[door]\nnonsense\n", "[door]\ncommand = true\n"):
            place.write("knockd.conf", text)
            seen.take(place.run(lab.gateway, "knockd -i eth0", 1).stderr)
    seen.check()


def test_latchkey_conf_5(lab):
    seen = Seen("latchkey.conf.5")
    with Place(lab) as place:
        place.write("knockd.conf", "[options]\n")
        suite = lab.write("odd.conf", "[sandbox]\nuser_name = nobody\n")
        seen.take(place.run(lab.gateway, f"knockd --suite-conf {suite}", 1).stderr)
    seen.check()


def test_fwknoprc_5(lab):
    seen = Seen("fwknoprc.5")
    with Place(lab) as place:
        for line in ("NOSUCH x", "ACCESS"):
            rc_file = lab.write("rc", f"[default]\n{line}\n", mode=0o644)
            seen.take(place.run(lab.client, f"fwknop -T -A tcp/22 -a 192.0.2.7 --rc-file {rc_file} --no-save-args", 1).stderr)
    seen.check()


def test_knock_1(lab):
    seen = Seen("knock.1")
    with Place(lab) as place:
        for words in ("-d x 127.0.0.1 1", "-d -1 127.0.0.1 1", "127.0.0.1 1:icmp", "127.0.0.1 nosuch"):
            seen.take(place.run(lab.client, f"knock {words}", 1).stderr)
    # No socket left: t/faults/os_calls.py fails calls at will.
    seen.check("Cannot open socket")


def test_knockd_1(lab):
    seen = Seen("knockd.1")
    with Place(lab) as place:
        once = lab.write("once", " 9000\n")
        place.write("knockd.conf", KNOCKD_CONF.format(once=once))
        # The packet without SYN passes the capture filter for the door that asks for no flags.
        knocks = [("10.9.0.2", tcp(7000)), ("10.9.0.2", tcp(8000)), ("10.9.0.2", tcp(7000)), ("10.9.0.2", tcp(7000, flags=ACK)),
                  ("10.9.0.3", tcp(7000)), ("10.9.0.4", tcp(9000)), ("10.9.0.2", tcp(7000))]
        write_capture(lab.dir / "knocks.pcap", [(at, ethernet(ip(source, "10.9.0.1", hit))) for at, (source, hit) in enumerate(knocks)])
        done = place.run(lab.gateway, "knockd -i eth0 -v -D --replay knocks.pcap")
        seen.take(done.stdout + done.stderr)
        lab.write("once", " 9000\n")
        log = lab.syslog()
        place.run(lab.gateway, f"knockd -i eth0 -d -p {lab.dir}/knockd.pid")
        pid = int((lab.dir / "knockd.pid").read_text())
        second = place.run(lab.gateway, f"knockd -i eth0 -d -p {lab.dir}/knockd.pid", status=1)
        os.kill(pid, signal.SIGHUP)
        log.wait_for_line("re-reading config file")
        os.kill(pid, signal.SIGTERM)
        log.wait_for_line("shutting down")
        third = place.run(lab.gateway, "knockd -i nosuch", status=1)
        seen.take(second.stderr + third.stderr + log.text())
    seen.check()


def test_fwknop_8(lab):
    seen = Seen("fwknop.8")
    with Place(lab) as place:
        lab.write("rc", "[bad]\nNOSUCH x\n")
        with lab.client:
            holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            holder.bind(("", 33))
        wants = "fwknop -A tcp/22 -D 127.0.0.1 --no-rc-file --no-save-args --key-rijndael a"
        for command, status in ((wants, 1), (wants.replace("-D 127.0.0.1", "-a 192.0.2.7"), 1), ("fwknop -n none", 1),
                                (f"{wants} -R --resolve-url https://127.0.0.1:1/", 1), (f"{wants} -a 192.0.2.7 --key-hmac a", 1),
                                (f"{wants} -a 192.0.2.7 -N 'a b:22'", 1), (f"{wants} -s -v", 0),
                                (f"{wants} -a 192.0.2.7 -D 10.9.0.1 -S 33", 0),
                                (f"{wants} -a 192.0.2.7 -D nosuch.invalid", 1), (f"{wants} -a 192.0.2.7 -P tcp -p 1", 1),
                                ("fwknop -A tcp/22 -a 192.0.2.7 -D 127.0.0.1 --no-rc-file --no-save-args", 1),
                                ("fwknop -n bad -A tcp/22 -D x -a 192.0.2.7 --no-save-args --rc-file rc", 1)):
            done = lab.client.run("sh", "-c", command, env=place.environment, check=False, cwd=lab.dir)
            check_equal(done.returncode, status, f"{command}\n{done.stderr}")
            seen.take(done.stderr)
        holder.close()
    seen.check()


if __name__ == "__main__":
    main(Lab)
