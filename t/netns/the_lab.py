# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself: hosts see each other, a dropped port is filtered, output is awaited, nothing is left behind."""
import os
import shutil
import signal
import subprocess
import sys
import syslog

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, wait_until
from keeper import Keeper
from lab import Lab, children, detach_mounts_below, kill_descendants
from packets import UDP


def test_a_port_is_open_refused_or_filtered(lab):
    lab.gateway.listen(22)
    check_equal(lab.client.probe(lab.gateway.address, 22), "open")
    check_equal(lab.client.probe(lab.gateway.address, 23), "refused")
    lab.gateway.iptables("-P", "INPUT", "DROP")
    check_equal(lab.client.probe(lab.gateway.address, 22), "filtered")
    lab.gateway.iptables("-A", "INPUT", "-s", lab.client.address, "-j", "ACCEPT")
    lab.gateway.wait_for_rule("-s 10.9.0.2/32 -j ACCEPT")
    lab.client.wait_for_port(lab.gateway.address, 22, "open")


def test_ipv6_works_at_once(lab):
    lab.gateway.listen(22, "::")
    lab.client.wait_for_port(lab.gateway.address6, 22, "open")


def test_packets_are_captured(lab):
    capture = lab.gateway.capture()
    lab.client.send_udp(lab.gateway.address, 62201, b"payload", source_port=4000)
    packet = capture.wait_for(lambda p: p.protocol == UDP)[0]
    check_equal((packet.source, packet.source_port, packet.destination_port, packet.payload),
                ("10.9.0.2", 4000, 62201, b"payload"))


def test_lines_are_awaited_in_order(lab):
    shell = lab.gateway.spawn("sh", "-c", "echo one; echo two; exec sleep 1000", wrap=False)
    shell.wait_for_line("one")
    shell.wait_for_line("two")
    check_equal(shell.stop(), -signal.SIGTERM)
    shell.wait_for_line("one", start=0)
    try:
        shell.wait_for_line("three")
    except AssertionError as error:
        check("ended without" in str(error), str(error))
    else:
        raise AssertionError("a line was found that nobody wrote")


def test_syslog_is_caught(lab):
    log = lab.syslog()
    lab.gateway.run(sys.executable, "-c", "import syslog; syslog.openlog('name', 0, syslog.LOG_DAEMON); syslog.syslog('text')")
    log.wait_for_line("^name: text$")
    check_equal(log.records()[0][0], syslog.LOG_DAEMON | syslog.LOG_INFO)
    lab.gateway.run(sys.executable, "-c", "import syslog\nfor n in range(500): syslog.syslog(f'line {n}')")
    log.wait_for_line("line 499")


def test_a_daemon_that_left_its_parent_is_ended(lab):
    lab.gateway.run("sh", "-c", "setsid sleep 1001 >/dev/null 2>&1 & exit 0")
    wait_until(lambda: children(os.getpid()))
    kill_descendants()
    check_equal(children(os.getpid()), [])


def test_what_is_mounted_in_its_folder_is_not_deleted_with_it(lab):
    ours = lab.write("mounted/precious", "text")
    point = lab.dir / "folder" / "point"
    (point / "below").mkdir(parents=True)
    for target in (point, point / "below"):
        lab.gateway.run("mount", "--bind", os.path.dirname(ours), target)
        (point / "below").mkdir(exist_ok=True)
    detach_mounts_below(lab.dir / "folder")
    shutil.rmtree(lab.dir / "folder")
    check_equal(open(ours, encoding="utf-8").read(), "text")


def test_a_third_host(lab):
    inside = lab.namespace("inside")
    lab.join(lab.gateway, "10.8.0.1", inside, "10.8.0.2")
    inside.listen(80)
    check_equal(lab.gateway.probe(inside.address, 80), "open")


SLEEPER = """
import sys
sys.path.insert(0, sys.argv[1])
from lab import Lab
with Lab() as lab:
    process = lab.gateway.spawn("sleep", "1002", wrap=False)
    print(lab.dir, process.pid, flush=True)
    process.wait(1000)
"""


def test_sigterm_leaves_nothing_behind():
    library = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
    with subprocess.Popen([sys.executable, "-c", SLEEPER, library], stdout=subprocess.PIPE, text=True) as test:
        directory, pid = test.stdout.readline().split()
        test.terminate()
    check_equal(test.returncode, 128 + signal.SIGTERM)
    check(not os.path.exists(directory), f"{directory} is still there")
    check(not os.path.exists(f"/proc/{pid}"), f"process {pid} is still there")


def test_a_namespace_that_waits_for_its_last_process(lab):
    """Its process 1 ends only when that one is reaped, by us."""
    keeper = Keeper("true")
    entering = lab.gateway.spawn("nsenter", f"--pid=/proc/{keeper.pid}/ns/pid", "sleep", "1003", wrap=False)
    sleeping = wait_until(lambda: children(entering.pid), what="a process inside")[0]
    entering.stop(signal.SIGKILL)
    wait_until(lambda: sleeping in children(os.getpid()), what="the process inside is ours")
    keeper.popen.kill()
    kill_descendants()
    check_equal(children(os.getpid()), [], "processes that are left")


if __name__ == "__main__":
    main(Lab)
