# SPDX-License-Identifier: GPL-2.0-or-later
"""Every EXAMPLES block of every man page: commands are run, in their order, and files are read by their program."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, program, wait_until
from knock_packets import ethernet, ip, tcp, udp, write_capture
from lab import MS_BIND, Lab, _mount, libc
from man_page import example_blocks, pages, plain, sections

HOSTS = "127.0.0.1 localhost spa.example.net\n10.9.0.1 myserver.example.com\n"


class Place:
    """A home, programs in the PATH that look for their files in the lab, known names, and a gateway with an eth0."""

    def __init__(self, lab):
        self.lab = lab
        wget = lab.write("wget", "#!/bin/sh\necho 192.0.2.7\n", mode=0o755)
        lab.write("home/.fwknoprc", f"[default]\nWGET_CMD {wget}\nSPOOF_USER tester\n")
        self._program("fwknop", "")
        self._program("knock", "")
        self._program("knockd", f"-c {lab.dir}/etc/knockd.conf --suite-conf {lab.write('etc/suite.conf', '')}")
        self._program("fwknopd", f"-c {lab.dir}/etc/fwknop/fwknopd.conf -a {lab.dir}/etc/fwknop/access.conf")
        self.environment = {"PATH": f"{lab.dir}/bin:{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(lab.dir / "home"),
                            "LC_ALL": "C"}
        for step in (["set", lab.gateway.interface, "down"], ["set", lab.gateway.interface, "name", "eth0"],
                     ["set", "eth0", "up"]):
            lab.gateway.run("ip", "link", *step)

    def __enter__(self):
        _mount(self.lab.write("hosts", HOSTS, mode=0o644), "/etc/hosts", flags=MS_BIND)
        return self

    def __exit__(self, *_):
        libc.umount2(b"/etc/hosts", 2)

    def _program(self, name, options):
        self.lab.write(f"bin/{name}", f"#!/bin/sh\nexec {program(name)} {options} \"$@\"\n", mode=0o755)

    def here(self, text):
        """A text of a page, for this place."""
        return re.sub(r"(?<![\w.])/etc/|/root/(?=\.gnupg)", f"{self.lab.dir}/etc/", text)

    def run(self, host, command, status=0):
        done = host.run("sh", "-c", self.here(command), env=self.environment, check=False, cwd=self.lab.dir)
        check_equal(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, host, command):
        return host.spawn("sh", "-c", "exec " + self.here(command), env=self.environment, cwd=self.lab.dir)

    def write(self, name, block):
        return self.lab.write(f"etc/{name}", self.here(block))

    def recorder(self, frames):
        """A tcpdump that has just seen these packets."""
        write_capture(self.lab.dir / "recorded.pcap", frames)
        self.lab.write("bin/tcpdump", "#!/bin/sh\nwhile [ \"$1\" != -w ]; do shift; done\n"
                       f"cp {self.lab.dir}/recorded.pcap \"$2\"\n", mode=0o755)


def test_fwknop_8(lab):
    with Place(lab) as place:
        capture = lab.client.capture("lo")
        commands = [line for block in example_blocks("fwknop.8") for line in block.splitlines()]
        check(len(commands) >= 8, f"only {len(commands)} commands")
        for command in commands:
            check_equal(place.run(lab.client, command).stderr, "", command)
        # Every packet is another one. The loopback interface shows each of them twice.
        packets = capture.collect()
        check_equal(len({p.payload for p in packets if p.destination_port == 62201}), 4, "UDP packets")
        check_equal(len({p.payload for p in packets if p.protocol == 1 and p.payload[0] == 8}), 2, "pings")


def test_fwknoprc_5(lab):
    with Place(lab) as place:
        lab.write("home/.fwknoprc", example_blocks("fwknoprc.5")[0])
        done = place.run(lab.client, "fwknop -n office -T -v -a 192.0.2.7")
        for text in ("Message String: 192.0.2.7,tcp/22", "Client Timeout: 60", "HMAC Type: 3", "IP/host: spa.example.net"):
            check(text in done.stdout, f"{text!r} is not in {done.stdout}")


def test_knock_1(lab):
    with Place(lab) as place:
        capture = lab.gateway.capture("eth0")
        for block in example_blocks("knock.1"):
            place.run(lab.client, block)
        ports = [p.destination_port for p in capture.collect() if p.protocol in (6, 17) and p.destination == "10.9.0.1"]
        check_equal(ports, [7000, 8000, 9000, 123, 456, 789])


def test_knockd_1(lab):
    check_conf, foreground, background, replay = example_blocks("knockd.1")
    with Place(lab) as place:
        place.write("knockd.conf", example_blocks("knockd.conf.5")[0])
        place.run(lab.gateway, check_conf)
        daemon = place.spawn(lab.gateway, foreground.strip())
        daemon.wait_for_line("listening on eth0")
        check_equal(daemon.stop(signal.SIGINT), 2)
        start, hup = background.strip().splitlines()
        log = lab.syslog()
        place.run(lab.gateway, start)
        place.run(lab.gateway, hup)
        log.wait_for_line("re-reading config file")
        os.kill(int(open("/run/knockd.pid").read()), signal.SIGTERM)
        log.wait_for_line("shutting down")
        place.recorder(knock_recording())
        for line in replay.strip().splitlines():
            done = place.run(lab.gateway, line)
        check("10.9.0.2: SSH: OPEN SESAME" in done.stdout and "running command: true" in done.stdout, done.stdout)


def test_knockd_conf_5(lab):
    with Place(lab) as place:
        one, two, sequences = example_blocks("knockd.conf.5")
        place.write("knockd-inner.sequences", sequences)
        for block in (one, two):
            place.write("knockd.conf", block)
            done = place.run(lab.gateway, "knockd --test-config")
            check_equal(done.stdout + done.stderr, "", block)


def test_setting_up(lab):
    """The way from no keys to an open port that fwknopd(8) describes."""
    first, last = re.findall(r'^\.B "(fwknop .*)"$', plain(dict(sections("fwknopd.8"))["SETTING UP"]), re.MULTILINE)
    with Place(lab) as place:
        place.run(lab.gateway, first)
        saved = (lab.dir / "home/.fwknoprc").read_text().split("[myserver]")[1]
        stanza = example_blocks("access.conf.5")[0]
        for name in ("KEY_BASE64", "HMAC_KEY_BASE64"):
            key = re.search(rf"^{name} +(.*)$", saved, re.MULTILINE)[1]
            stanza = re.sub(rf"^{name} .*$", f"{name} {key}", stanza, flags=re.MULTILINE)
        place.write("fwknop/access.conf", stanza)
        place.write("fwknop/fwknopd.conf", "PCAP_INTF lo\n")
        check_equal(place.run(lab.gateway, "fwknopd --test-config").stderr, "")
        daemon = place.spawn(lab.gateway, "fwknopd -f")
        daemon.wait_for_line("Starting fwknopd main event loop")
        place.run(lab.gateway, last)
        daemon.wait_for_line("Added access rule .* for 192.0.2.7 -> .* tcp/22")
        check_equal(daemon.stop(), 0)


def test_fwknopd_8(lab):
    check_conf, keys, reload, end, replay = example_blocks("fwknopd.8")
    with Place(lab) as place:
        place.write("fwknop/fwknopd.conf", "PCAP_INTF eth0\n")
        place.write("fwknop/access.conf", example_blocks("access.conf.5")[0])
        for line in check_conf.strip().splitlines():
            place.run(lab.gateway, line)
        check("KEY_BASE64: " in place.run(lab.gateway, keys).stdout, "no key")
        daemon = place.spawn(lab.gateway, "fwknopd -f")
        daemon.wait_for_line("Starting fwknopd main event loop")
        for line in reload.strip().splitlines():
            done = place.run(lab.gateway, line)
        check("Detected fwknopd is running" in done.stdout, done.stdout)
        daemon.wait_for_line("Got SIGHUP. Re-reading configs.")
        wait_until(lambda: daemon.text().count("Starting fwknopd main event loop") == 2, what="the reload")
        for line in end.strip().splitlines():
            place.run(lab.gateway, line)
        check_equal(daemon.wait(), 0)
        place.recorder(spa_recording(place))
        for line in replay.strip().splitlines():
            done = place.run(lab.gateway, line)
        check("--test mode enabled, skipping firewall manipulation" in done.stderr, done.stderr)


def test_fwknopd_conf_5(lab):
    with Place(lab) as place:
        place.write("fwknop/access.conf", example_blocks("access.conf.5")[0])
        for block in example_blocks("fwknopd.conf.5"):
            place.write("fwknop/fwknopd.conf", block)
            dump = re.sub(r"\s+", " ", place.run(lab.gateway, "fwknopd -f -D").stdout)
            for line in block.splitlines():
                keyword, value = line.split(None, 1)
                if keyword != "ENABLE_PROC_IP_FORWARD":  # of fwknop 1.9: in no dump
                    check(f"{keyword} = '{value}'" in dump, f"{line}\n{dump}")
            place.run(lab.gateway, "fwknopd --test-config")


def test_access_conf_5(lab):
    with Place(lab) as place:
        os.makedirs(lab.dir / "etc/.gnupg", mode=0o700)
        place.write("fwknop/fwknopd.conf", "")
        for block in example_blocks("access.conf.5"):
            place.write("fwknop/access.conf", block)
            dump = place.run(lab.gateway, "fwknopd -f -D").stdout
            for line in block.splitlines():
                keyword, value = line.split(None, 1)
                shown = {"Y": "Yes", "12/31/2030": "Tue Dec 31"}.get(value, place.here(value))
                if "KEY" not in keyword and keyword != "GPG_ALLOW_NO_PW":  # these are not shown
                    check(re.search(rf"{keyword}(?: \(\d+\))?:\s+{re.escape(shown)}", dump), f"{line}\n{dump}")
            errors = place.run(lab.gateway, "fwknopd --test-config").stderr
            check(": error: " not in errors, errors)


def test_latchkey_conf_5(lab):
    with Place(lab) as place:
        place.write("fwknop/fwknopd.conf", "")
        place.write("fwknop/access.conf", example_blocks("access.conf.5")[0])
        suite = place.write("latchkey.conf", example_blocks("latchkey.conf.5")[0])
        place.write("knockd.conf", example_blocks("knockd.conf.5")[0])
        for name in ("fwknopd", "knockd"):
            done = place.run(lab.gateway, f"{name} --test-config --suite-conf {suite}")
            check("latchkey.conf" not in done.stderr, done.stderr)
            bad = lab.write("bad.conf", "[sandbox]\nuser =\n")
            done = place.run(lab.gateway, f"{name} --test-config --suite-conf {bad}", status=1)
            check("'user' of section [sandbox] is empty" in done.stderr, done.stderr)


def frame(content):
    return ethernet(ip("10.9.0.2", "10.9.0.1", content))


def knock_recording():
    """The knock of knockd.conf(5)."""
    return [(0, frame(tcp(7000))), (1, frame(udp(8000))), (2, frame(tcp(9000)))]


def spa_recording(place):
    """A packet for the first stanza of access.conf(5)."""
    stanza = dict(line.split() for line in example_blocks("access.conf.5")[0].splitlines())
    place.run(place.lab.client, "fwknop -A tcp/22 -a 10.9.0.2 -D 10.9.0.1 --no-rc-file --no-save-args -B spa.txt "
              f"--key-base64-rijndael {stanza['KEY_BASE64']} --key-base64-hmac {stanza['HMAC_KEY_BASE64']}")
    return [(0, frame(udp(62201, (place.lab.dir / "spa.txt").read_bytes().strip())))]


def test_every_page_has_its_test():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for page in pages():
        check(page.replace(".", "_") in tested, f"the examples of {page} have no test")
        check(example_blocks(page), f"{page} has no examples")


if __name__ == "__main__":
    main(Lab)
