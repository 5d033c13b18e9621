# SPDX-License-Identifier: GPL-2.0-or-later
"""Knocking between ours and Debian's: each knock opens a door of each knockd, seen as a rule in the kernel."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, peer, program, wait_until
from lab import Lab

CONF = """\
[options]
    UseSyslog
    logfile = {dir}/knockd.log

[openSSH]
    sequence    = 7000,8000,9000
    seq_timeout = 15
    command     = /usr/sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
    tcpflags    = syn

[closeSSH]
    sequence    = 9000,8000,7000
    seq_timeout = 15
    command     = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
    tcpflags    = syn

[mixed]
    sequence      = 2222:udp,3333:tcp,4444:udp
    seq_timeout   = 15
    start_command = /usr/sbin/iptables -A INPUT -s %IP% -p tcp --dport 7071 -j ACCEPT
    cmd_timeout   = 1
    stop_command  = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport 7071 -j ACCEPT
"""
SSH_RULE = r"-A INPUT -s 10\.9\.0\.2/32 -p tcp -m tcp --dport 22 -j ACCEPT"
DOOR_RULE = r"-A INPUT -s 10\.9\.0\.2/32 -p tcp -m tcp --dport 7071 -j ACCEPT"


def knock_at_all_doors(lab, knock, knockd):
    """The lines of the log file, without their times, and the exit status. (The peer ends some with a second newline.)"""
    log = lab.dir / "knockd.log"
    log.unlink(missing_ok=True)
    conf = lab.write("knockd.conf", CONF.format(dir=lab.dir))
    syslog = lab.log or lab.syslog()
    daemon = lab.gateway.spawn(knockd, "-c", conf, "-i", lab.gateway.interface)
    syslog.wait_for_line("knockd: starting up, listening on")
    lab.client.run(knock, lab.gateway.address, "7000", "8000", "9000")
    lab.gateway.wait_for_rule(SSH_RULE)
    lab.client.run(knock, lab.gateway.address, "9000", "8000", "7000")
    lab.gateway.wait_for_rule(SSH_RULE, present=False)
    lab.client.run(knock, lab.gateway.address, "2222:udp", "3333:tcp", "4444:udp")
    lab.gateway.wait_for_rule(DOOR_RULE)
    lab.gateway.wait_for_rule(DOOR_RULE, present=False)
    wait_until(lambda: "iptables -D INPUT -s 10.9.0.2 -p tcp --dport 7071" in log.read_text(), what="the end of the log")
    status = daemon.stop()
    return [re.sub(r"^\[.{16}\] ", "", line) for line in log.read_text().splitlines() if line], status


def test_their_knock_opens_ours(lab):
    knock_at_all_doors(lab, peer("knock"), program("knockd"))


def test_our_knock_opens_theirs(lab):
    knock_at_all_doors(lab, program("knock"), peer("knockd"))


def test_the_logs_are_the_same(lab):
    wanted = knock_at_all_doors(lab, peer("knock"), peer("knockd"))
    check_equal(knock_at_all_doors(lab, program("knock"), program("knockd")), wanted)


def test_the_packets_are_the_same(lab):
    """Number, order, kind and payload of the packets of both clients."""
    seen = []
    for path in (peer("knock"), program("knock")):
        capture = lab.gateway.capture()
        lab.client.run(path, lab.gateway.address, "7000", "8000:udp", "9000:tcp")
        capture.wait_for(lambda p: p.destination_port == 9000)
        seen.append([(p.protocol, p.destination_port, p.tcp_flags, p.payload) for p in capture.collect()
                     if p.source == lab.client.address and p.protocol in (6, 17)])
    check(len(seen[0]) >= 3, "the capture missed packets")
    check_equal(seen[1], seen[0])


if __name__ == "__main__":
    main(Lab)
