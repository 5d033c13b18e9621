# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd with --enable-nfqueue: packets of a queue, its rules at start, reload, crash and end; no trace in other builds."""
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, check, check_equal, main, program, wait_until
from lab import Lab

KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
READY = "^Starting fwknopd main event loop.$"
PORT = 62201


def rules_for(port=PORT, number=1, interface=""):
    return ["-N FWKNOP_NFQ", "-A INPUT -j FWKNOP_NFQ",
            f"-A FWKNOP_NFQ {interface}-p udp -m udp --dport {port} -j NFQUEUE --queue-num {number}"]


class Queue(Lab):
    """A lab with the files of a fwknopd on the gateway that takes its packets from a queue."""

    def __enter__(self):
        super().__enter__()
        self.program = os.path.join(BUILD, "t", "netns", "fwknopd_nfqueue")
        if not os.path.exists(self.program):
            raise Skip("libnetfilter_queue is missing")
        target = self.client.run("iptables", "-t", "mangle", "-A", "INPUT", "-p", "udp", "-j", "NFQUEUE", check=False)
        if target.returncode != 0:
            raise Skip("no NFQUEUE in this kernel: " + target.stderr.strip())
        self.configure("ENABLE_NFQ_CAPTURE Y\n")
        self.access = self.write("access.conf", f"SOURCE ANY\nKEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\nFW_ACCESS_TIMEOUT 60\n")
        return self

    def configure(self, text):
        self.conf = self.write("fwknopd.conf", f"PCAP_INTF {self.gateway.interface}\nFWKNOP_RUN_DIR {self.dir}/run\n{text}")

    def start(self, *more, wanted=READY):
        daemon = self.gateway.spawn(self.program, "-f", "-c", self.conf, "-a", self.access, *more)
        daemon.wait_for_line(wanted)
        return daemon

    def send(self, address, port=PORT):
        self.client.run(program("fwknop"), "-A", "tcp/22", "-a", address, "-D", self.gateway.address, "-p", port,
                        "--key-base64-rijndael", KEY, "--key-base64-hmac", HMAC_KEY, "--use-hmac", "--no-save-args",
                        "--rc-file", "/dev/null")

    def grants(self, daemon, address, port=PORT):
        self.send(address, port)
        daemon.wait_for_line(rf"^Added access rule to FWKNOP_INPUT for {address} -> 0\.0\.0\.0/0 tcp/22", start=0)

    def rules(self):
        return [rule for rule in self.gateway.rules("mangle") if not rule.startswith("-P")]

    def udp_socket(self, host, port=PORT):
        with host:
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("", port))
        server.settimeout(5)
        self.sockets.append(server)
        return server


def sensor_of(daemon):
    return int(open(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read().split()[0])


def test_grants_and_drops_the_packet(lab):
    server = lab.udp_socket(lab.gateway)
    daemon = lab.start("-v")
    daemon.wait_for_line(r"^create_fw_chains\(\) CMD: '\S+ -t mangle -N FWKNOP_NFQ' \(res: 0, err: \)$", start=0)
    check_equal(lab.rules(), rules_for())
    lab.grants(daemon, "10.7.0.1")
    lab.send("10.7.0.1")
    lab.client.send_udp(lab.gateway.address, PORT, b"x" * 40)
    lab.gateway.iptables("-t", "mangle", "-F", "FWKNOP_NFQ")
    lab.client.send_udp(lab.gateway.address, PORT, b"not queued")
    check_equal(server.recv(2000), b"not queued", "the first datagram that gets through")
    check_equal(daemon.stop(), 0)
    daemon.wait_for_line(r"^delete_all_chains\(\) CMD: '\S+ -t mangle -D INPUT -j FWKNOP_NFQ' \(res: 0, err: \)$", start=0)
    check_equal(lab.rules(), [])


def test_the_option_and_the_keywords(lab):
    lab.configure(f"NFQ_PORT 5000\nNFQ_QUEUE_NUMBER 7\nNFQ_TABLE raw\nNFQ_CHAIN KNOCKS\nNFQ_INTERFACE {lab.gateway.interface}\n")
    lab.gateway.iptables("-t", "mangle", "-I", "INPUT", "-j", "ACCEPT")
    daemon = lab.gateway.spawn(lab.program, "-n", "-f", "-c", lab.conf, "-a", lab.access)
    daemon.wait_for_line(r"^Error \d+ from cmd:'\S+ -t raw -I INPUT 1 -j KNOCKS': ")  # raw has no INPUT
    check_equal(daemon.wait(), 1)
    check("KNOCKS" not in "".join(lab.gateway.rules("raw")), "a start that failed leaves nothing")
    lab.configure(f"NFQ_PORT 5000\nNFQ_QUEUE_NUMBER 7\nNFQ_CHAIN KNOCKS\nNFQ_INTERFACE {lab.gateway.interface}\n")
    daemon = lab.start("-n")
    wanted = [rule.replace("FWKNOP_NFQ", "KNOCKS") for rule in rules_for(5000, 7, f"-i {lab.gateway.interface} ")]
    check_equal(lab.rules(), [wanted[0], wanted[1], "-A INPUT -j ACCEPT", wanted[2]])
    lab.grants(daemon, "10.7.0.1", 5000)
    lab.gateway.iptables("-t", "mangle", "-I", "INPUT", "-s", "192.0.2.1", "-j", "DROP")
    check_equal(daemon.stop(), 0)
    check_equal(lab.rules(), ["-A INPUT -s 192.0.2.1/32 -j DROP", "-A INPUT -j ACCEPT"], "the rules of others")


def test_what_is_not_for_this_host_goes_on(lab):
    inner = lab.namespace("inner")
    lab.join(lab.gateway, "10.10.0.1", inner, "10.10.0.2")
    lab.client.run("ip", "route", "add", "10.10.0.0/24", "via", lab.gateway.address)
    inner.run("ip", "route", "add", "default", "via", "10.10.0.1")
    lab.gateway.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    server = lab.udp_socket(inner)
    lab.start()
    lab.gateway.iptables("-t", "mangle", "-A", "FORWARD", "-j", "FWKNOP_NFQ")
    lab.client.send_udp("10.10.0.2", PORT, b"y" * 200)
    check_equal(server.recv(2000), b"y" * 200)


def test_a_sensor_that_died(lab):
    daemon = lab.start()
    for address in ("10.7.0.1", "10.7.0.2"):
        lab.grants(daemon, address)
        os.kill(sensor_of(daemon), signal.SIGKILL)
        daemon.wait_for_line(READY)
    lab.grants(daemon, "10.7.0.3")
    check_equal(lab.rules(), rules_for())
    check_equal(daemon.stop(), 0)


def test_a_monitor_that_died(lab):
    daemon = lab.start()
    lab.grants(daemon, "10.7.0.1")
    daemon.stop(signal.SIGKILL)
    check_equal(lab.rules(), rules_for(), "nobody was there to take them back")
    queues = lambda: lab.gateway.run("cat", "/proc/net/netfilter/nfnetlink_queue", check=False).stdout
    wait_until(lambda: queues() == "", None, "the sensor and its queue are gone, too")
    daemon = lab.start()
    check_equal(lab.rules(), rules_for(), "once, not twice")
    lab.grants(daemon, "10.7.0.2")
    check_equal(daemon.stop(), 0)
    check_equal(lab.rules(), [])


def test_reload(lab):
    daemon = lab.start()
    reload = lambda: (daemon.send_signal(signal.SIGHUP), daemon.wait_for_line(READY))
    lab.gateway.iptables("-t", "mangle", "-A", "FWKNOP_NFQ", "-s", "192.0.2.1", "-j", "DROP")
    reload()
    check_equal(lab.rules(), rules_for() + ["-A FWKNOP_NFQ -s 192.0.2.1/32 -j DROP"], "the same settings, the same chain")
    lab.grants(daemon, "10.7.0.1")
    lab.configure("ENABLE_NFQ_CAPTURE Y\nNFQ_PORT 5000\nNFQ_QUEUE_NUMBER 2\n")
    reload()
    check_equal(lab.rules(), rules_for(5000, 2))
    lab.grants(daemon, "10.7.0.2", 5000)
    lab.configure("")
    reload()
    check_equal(lab.rules(), [])
    lab.grants(daemon, "10.7.0.3")
    lab.configure("ENABLE_NFQ_CAPTURE Y\n")
    reload()
    check_equal(lab.rules(), rules_for())
    lab.grants(daemon, "10.7.0.4")
    lab.configure("ENABLE_NFQ_CAPTURE Y\nNFQ_TABLE nosuch\n")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line("^The configuration has errors; the old one stays in force.$")
    daemon.wait_for_line(READY)
    check_equal(lab.rules(), rules_for())
    lab.grants(daemon, "10.7.0.5")
    check_equal(daemon.stop(), 0)
    check_equal(lab.rules(), [])


def test_a_queue_that_somebody_else_reads(lab):
    lab.start()
    lab.configure("ENABLE_NFQ_CAPTURE Y\nNFQ_CHAIN SECOND\n")
    second = lab.gateway.spawn(lab.program, "-f", "-c", lab.conf, "-a", lab.access, "-r", f"{lab.dir}/run2")
    second.wait_for_line(r"^Error during nfq_create_queue\(\)$")
    check_equal(second.wait(), 1)
    check_equal(lab.rules(), rules_for())


def test_packet_limit_counts_packets(lab):
    daemon = lab.start("-C", "3")
    for _ in range(3):
        lab.client.send_udp(lab.gateway.address, PORT, b"x" * 1000)
    daemon.wait_for_line(r"^\* Incoming packet count limit of 3 reached$")
    check_equal(daemon.wait(), 0)
    check_equal(lab.rules(), [])


def test_a_test_run_changes_no_rule(lab):
    daemon = lab.start("-t")
    check_equal(lab.rules(), [])
    lab.gateway.iptables("-t", "mangle", "-A", "INPUT", "-p", "udp", "-j", "NFQUEUE", "--queue-num", "1")
    lab.send("10.7.0.1")
    daemon.wait_for_line(r"--test mode enabled, skipping firewall manipulation\.$", start=0)
    check_equal(daemon.stop(), 0)


def test_flush_takes_what_a_crash_left(lab):
    daemon = lab.start()
    daemon.stop(signal.SIGKILL)
    check_equal(lab.rules(), rules_for())
    lab.gateway.run(lab.program, "-c", lab.conf, "-a", lab.access, "--fw-flush")
    check_equal(lab.rules(), [])


def test_a_crash_and_no_queue_any_more(lab):
    daemon = lab.start()
    daemon.stop(signal.SIGKILL)
    check_equal(lab.rules(), rules_for())
    lab.configure("")
    daemon = lab.start()
    daemon.wait_for_line("^Removed FWKNOP_NFQ of an earlier fwknopd$", start=0)
    check_equal(lab.rules(), [])
    lab.grants(daemon, "10.7.0.1")
    check_equal(daemon.stop(), 0)


def test_a_crash_and_another_queue(lab):
    lab.start().stop(signal.SIGKILL)
    lab.configure("ENABLE_NFQ_CAPTURE Y\nNFQ_CHAIN KNOCKS\n")
    daemon = lab.start()
    check_equal(lab.rules(), [rule.replace("FWKNOP_NFQ", "KNOCKS") for rule in rules_for()])
    check_equal(daemon.stop(), 0)
    check_equal(lab.rules(), [])


def test_flush_takes_what_a_crash_left_where_no_queue_is_used(lab):
    lab.start().stop(signal.SIGKILL)
    lab.configure("")
    lab.gateway.run(lab.program, "-c", lab.conf, "-a", lab.access, "--fw-flush")
    check_equal(lab.rules(), [])


def test_elsewhere_option_and_keywords_are_unknown(lab):
    lab.program = program("fwknopd")
    if "nfq-capture" in lab.gateway.run(lab.program, "--help").stdout:
        raise Skip("configured with --enable-nfqueue")
    daemon = lab.start(wanted=r"^\[\*\] Ignoring unknown configuration parameter: 'ENABLE_NFQ_CAPTURE' in ")
    daemon.wait_for_line("^Sniffing interface")
    check_equal(daemon.stop(), 0)
    for option, complaint in (("-n", "invalid option -- 'n'"), ("--nfq-capture", "unrecognized option '--nfq-capture'")):
        done = lab.gateway.run(lab.program, option, "-c", lab.conf, "-a", lab.access, check=False)
        check_equal((done.returncode, complaint in done.stderr), (1, True), done.stderr)
    check("NFQ" not in lab.gateway.run(lab.program, "-D", "-c", lab.conf, "-a", lab.access).stdout, "the dump")


if __name__ == "__main__":
    main(Queue)
