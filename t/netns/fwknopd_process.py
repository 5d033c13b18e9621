# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd as a process: start, signals, reload, pid file, -S -K -R, listing and flushing (spec/fwknopd-config.md 15.12)."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, program, wait_until
from knock_packets import write_capture
from lab import Lab

PLAIN = "SOURCE any\nKEY testtest\nREQUIRE_SOURCE Y\n"
UP = "^Starting fwknopd main event loop.$"


class Daemon(Lab):
    """A lab with the files of a fwknopd on the gateway."""

    def __enter__(self):
        super().__enter__()
        self.conf, self.access = self.write("fwknopd.conf", ""), self.write("access.conf", PLAIN)
        self.run_dir = self.dir / "run"
        self.run_dir.mkdir()
        self.pid_file = self.run_dir / "fwknopd.pid"
        return self

    def args(self, *more):
        return [program("fwknopd"), "-c", self.conf, "-a", self.access, "-r", self.run_dir, *more]

    def start(self, *more):
        return self.gateway.spawn(*self.args("-i", "lo", "-f", *more))

    def start_up(self, *more):
        process = self.start(*more)
        process.wait_for_line(UP)
        return process

    def start_daemon(self, *more):
        """A daemon in the background; its pid. It is ready when the launcher has ended."""
        check_equal(self.tell("-i", "lo", *more)[0], 0, "launcher")
        return int(self.pid_file.read_text())

    def tell(self, *more):
        """Exit status, standard output and error of a second fwknopd."""
        done = self.gateway.run(*self.args(*more), check=False)
        return done.returncode, done.stdout, done.stderr


def ends_well(process, name="TERM"):
    process.send_signal(getattr(signal, "SIG" + name))
    process.wait_for_line("^Gracefully leaving the fwknopd event loop.$")
    process.wait_for_line(rf"^Got SIG{name}\. Exiting\.\.\.$")
    process.wait_for_line(r"^Shutting Down fwknopd\.$")
    check_equal(process.wait(), 0)


def hangs_up(process):
    process.send_signal(signal.SIGHUP)
    process.wait_for_line("^Gracefully leaving the fwknopd event loop.$")
    process.wait_for_line(r"^Got SIGHUP\. Re-reading configs\.$")


def test_start_and_end(lab):
    process = lab.start()
    for line in ("Starting fwknopd", "Sniffing interface: lo", "PCAP filter is: 'udp port 62201'"):
        process.wait_for_line(f"^{line}$")
    process.wait_for_line(UP)
    ends_well(process)
    check(re.fullmatch(r"\d+\n", lab.pid_file.read_text()), "the pid file stays")


def test_nothing_of_it_is_left_when_it_has_ended(lab):
    process = lab.start_up()
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        children = file.read().split()
    check(children, "a sensor")
    process.send_signal(signal.SIGTERM)
    check_equal(process.wait(), 0)
    check_equal([pid for pid in children if os.path.exists(f"/proc/{pid}")], [])


def test_sigint_ends_it(lab):
    ends_well(lab.start_up(), "INT")


def test_other_signals_are_ignored(lab):
    process = lab.start_up()
    before = process.text()
    for name in ("USR1", "USR2", "CHLD"):
        process.send_signal(getattr(signal, "SIG" + name))
    ends_well(process)
    check(process.text().startswith(before + "Gracefully"), process.text())


def test_signals_while_it_starts(lab):
    """From the moment that the pid file names it, `fwknopd -R` and scripts send it signals; a large replay cache takes its time."""
    line = "ybbYzHw4QMLd3rAlifxSAIedifnchUyuU0NW02hC6Zs 17 127.0.0.1 37246 127.0.0.1 62201 1391317111\n"
    cache = lab.run_dir / "digest.cache"
    cache.write_text(line * 300000)
    cache.chmod(0o600)
    process = lab.start()
    wait_until(lambda: lab.pid_file.exists() and lab.pid_file.read_text(), None, "pid file")
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGHUP)
    process.wait_for_line(r"^Got SIGHUP\. Re-reading configs\.$")
    process.wait_for_line(UP)
    ends_well(process)


def test_a_reload_takes_new_files(lab):
    process = lab.start_up()
    lab.write("fwknopd.conf", "PCAP_FILTER udp port 5\n")
    hangs_up(process)
    process.wait_for_line("^Re-starting fwknopd$")
    process.wait_for_line("^PCAP filter is: 'udp port 5'$")
    process.wait_for_line(UP)
    ends_well(process)


def test_a_reload_with_an_error_changes_nothing(lab):
    process = lab.start_up()
    lab.write("access.conf", PLAIN + "FOO\n")
    hangs_up(process)
    process.wait_for_line(rf"^\[\*\] Invalid access file entry in {lab.access} at line 4\.$")
    lab.conf.unlink()
    hangs_up(process)
    process.wait_for_line(rf"^\[\*\] Could not open config file: {lab.conf}$")
    ends_well(process)


def test_a_reload_may_move_the_pid_file(lab):
    process = lab.start_up()
    other = lab.run_dir / "o.pid"
    lab.write("fwknopd.conf", f"FWKNOP_PID_FILE {other}\n")
    hangs_up(process)
    process.wait_for_line("^Starting fwknopd$")
    process.wait_for_line(UP)
    check_equal(other.read_text(), f"{process.pid}\n")
    check(lab.pid_file.exists(), "the old file stays")
    ends_well(process)


def test_status_restart_kill(lab):
    check_equal(lab.tell("-S"), (1, "No running fwknopd detected.\n", ""))
    check(not lab.pid_file.exists(), "-S writes nothing")
    pid = lab.start_daemon()
    check_equal(lab.tell("-S"), (0, f"Detected fwknopd is running (pid={pid}).\n", ""))
    check_equal(lab.tell("-R"), (0, f"Sent restart signal to fwknopd (pid={pid})\n", ""))
    check_equal(lab.tell("-S")[0], 0, "the lock outlives a reload")
    status, out, _ = lab.tell("-K")
    check_equal(status, 0)
    check(re.fullmatch(rf"Killed fwknopd \(pid={pid}\)( via SIGTERM)?\n", out), out)
    check_equal(lab.tell("-K"), (1, "", "No running fwknopd detected.\n"))


def test_only_one_instance(lab):
    pid = lab.start_daemon()
    told = f"[*] An instance of fwknopd is already running: (PID={pid}).\n"
    check_equal(lab.tell("-i", "lo"), (1, "", told))
    check_equal(lab.tell("-i", "lo", "-f"), (1, "", told))


def test_a_stale_pid_is_nobody(lab):
    lab.pid_file.write_text(f"{os.getpid()}\n")
    lab.pid_file.chmod(0o600)
    check_equal(lab.tell("-K"), (1, "", "No running fwknopd detected.\n"))
    check_equal(lab.tell("-R"), (1, "No running fwknopd detected.\n", ""))
    process = lab.start_up()
    check_equal(lab.pid_file.read_text(), f"{process.pid}\n")
    ends_well(process)


def test_a_stopped_daemon_is_killed(lab):
    process = lab.start_up()
    process.send_signal(signal.SIGSTOP)
    check_equal(lab.tell("-K"), (0, f"Killed fwknopd (pid={process.pid}) via SIGKILL\n", ""))
    check_equal(process.wait(), -9)


def test_a_reload_rotates_the_cache_again(lab):
    lab.start_daemon("--rotate-digest-cache")
    old = lab.run_dir / "digest.cache-old"
    wait_until(lambda: (lab.run_dir / "digest.cache").exists(), what="cache")
    if old.exists():
        old.unlink()
    check_equal(lab.tell("-R")[0], 0)
    wait_until(old.exists, what="rotated cache")


def test_a_packet_limit(lab):
    process = lab.start_up("-C", "2", "-t")
    for _ in range(2):
        lab.gateway.send_udp("127.0.0.1", 62201, b"x" * 40)
    process.wait_for_line(r"^\* Incoming packet count limit of 2 reached$")
    process.wait_for_line(r"^Packet count limit \(2\) reached\. Exiting\.\.\.$")
    check_equal(process.wait(), 0)


def test_udp_server(lab):
    process = lab.start("-U")
    process.wait_for_line(r"^Kicking off UDP server to listen on port 62201\.$")
    hangs_up(process)
    process.wait_for_line(r"^Kicking off UDP server to listen on port 62201\.$")
    ends_well(process)


def test_udp_server_drops_what_is_too_long(lab):
    process = lab.start("-U", "-v")
    process.wait_for_line(r"^Kicking off UDP server")
    for size in (1501, 9000, 1500):
        lab.gateway.send_udp("127.0.0.1", 62201, b"A" * size)
    # The peer takes the first 1500 bytes of each for a packet.
    process.wait_for_line(r"^udp_server: Got UDP datagram \(1500 bytes\) from: 127\.0\.0\.1$")
    process.wait_for_line("^Error initializing FKO context from SPA data: ")
    check_equal(process.text().count("Error initializing FKO context"), 1, "datagrams that were looked at")
    ends_well(process)


def test_the_end_wins_against_a_reload(lab):
    process = lab.start_up()
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    process.wait_for_line(r"^Got SIGTERM\. Exiting\.\.\.$")
    check_equal(process.wait(), 0)
    check("Re-starting" not in process.text(), process.text())


def test_a_link_that_is_not_understood_ends_the_start(lab):
    write_capture(lab.dir / "capture", [], link=105)
    done = lab.tell("-f", "--pcap-file", lab.dir / "capture")
    check_equal(done[0], 1, done[2])
    check(re.search("link", done[2]), done[2])


def test_starts_that_fail(lab):
    for more, conf, line in (
            (["-i", "nosuch"], "", r"^\[\*\] pcap_open_live\(\) error: nosuch: "),
            (["-P", "proto invalid"], "", r"^\[\*\] Error compiling pcap filter: "),
            ([], "ENABLE_UDP_SERVER X\n", r"^No available capture mode specified\.  Aborting\.$"),
            ([], "IPT_INPUT_ACCESS ACCEPT, nosuch, INPUT, 1, T, 1\n", "^Warning: Could not use the 'comment' match$")):
        lab.write("fwknopd.conf", conf)
        process = lab.start(*more)
        process.wait_for_line(line)
        check_equal(process.wait(), 1, line)


def test_a_pid_file_that_cannot_be(lab):
    process = lab.start("-p", str(lab.run_dir))
    for line in (r"verify_file_perms_ownership\(\) error", "Error trying to open PID file: : Is a directory",
                 r"\[\*\] PID file error\. The lock may not be effective\.", "Starting fwknopd"):
        process.wait_for_line(f"^{line}$")
    process.wait_for_line(UP)
    ends_well(process)


def test_flushing_and_listing(lab):
    lab.gateway.iptables("-N", "FWKNOP_INPUT")
    lab.gateway.iptables("-A", "INPUT", "-j", "FWKNOP_INPUT")
    check_equal(lab.tell("-t", "--fw-flush")[:2], (0, "Deleting any existing firewall rules...\n"))
    lab.gateway.wait_for_rule("-j FWKNOP_INPUT")
    status, out, _ = lab.tell("--fw-list")
    check(status == 0 and out.startswith("Listing rules in fwknopd iptables chains..."), out)
    status, out, _ = lab.tell("--fw-list-all")
    check(status == 0 and out.startswith("Listing all iptables rules in applicable tables..."), out)
    check_equal(lab.tell("--fw-flush")[0], 0)
    lab.gateway.wait_for_rule("FWKNOP_INPUT", present=False)
    lab.write("fwknopd.conf", "FIREWALL_EXE /nope\n")
    check_equal(lab.tell("--fw-list")[0], 1, "nothing can be listed")


def test_relative_paths_survive_a_reload(lab):
    args = [program("fwknopd"), "-c", "fwknopd.conf", "-a", "access.conf", "-r", str(lab.run_dir), "-i", "lo"]
    check_equal(lab.gateway.run(*args, cwd=lab.dir).returncode, 0)
    log_before = lab.pid_file.read_text()
    lab.write("fwknopd.conf", f"FWKNOP_PID_FILE {lab.run_dir}/moved.pid\n")
    check_equal(lab.tell("-p", str(lab.pid_file), "-R")[0], 0)
    wait_until((lab.run_dir / "moved.pid").exists, what="the new configuration")
    check_equal((lab.run_dir / "moved.pid").read_text(), log_before)


if __name__ == "__main__":
    main(Daemon)
