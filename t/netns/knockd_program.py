# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd as a program: options, signals, reload, daemon mode, pid and log files (spec/knockd.md 1, 7 and 10.5)."""
import os
import re
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_tools, program, wait_until
from knock_packets import Sender, ip, tcp
from lab import Lab

DOOR = "[A]\nsequence=7000,8000\ntcpflags=syn\ncommand=echo A %IP% >> @/out\n"
LOG = "[options]\nlogfile=@/log\n"
SOURCES = iter(range(1, 250))


def conf(lab, text, name="conf"):
    return lab.write(name, text.replace("@", str(lab.dir)))


def start(lab, text, *args):
    daemon = lab.gateway.spawn(program("knockd"), "-c", conf(lab, text), "-i", lab.gateway.interface, "-v", *args)
    daemon.wait_for_line("listening on")
    return daemon


def log(lab, name="log"):
    return [re.sub(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d\] ", "", line) for line in (lab.dir / name).read_text().splitlines()]


def knock(lab, *ports, source=None):
    source = source or f"10.9.3.{next(SOURCES)}"
    sender = Sender(lab.client, lab.gateway)
    sender.send(*(ip(source, lab.gateway.address, tcp(port)) for port in ports))
    sender.close()
    return source


def knock_opens(lab, log_name="log", ports=(7000, 8000), door="A"):
    """Until the door has opened, seen in the log."""
    def attempt():
        source = knock(lab, *ports)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if (lab.dir / log_name).exists() and f"{source}: {door}: OPEN SESAME" in log(lab, log_name):
                return True
            time.sleep(0.02)
        return False
    wait_until(attempt, what=f"door {door} opened")


def test_options_and_exit_codes(lab):
    for args, code, out, err in (
            (["-h"], 0, "usage: knockd [options]\n", ""), (["-V", "-h"], 0, "knockd ", ""), (["-h", "-V"], 0, "usage: knockd", ""),
            (["-Z"], 1, "usage: knockd", "knockd: invalid option -- 'Z'\n"),
            (["-c"], 1, "usage: knockd", "knockd: option requires an argument -- 'c'\n"),
            (["--ver"], 1, "usage: knockd", "knockd: option '--ver' is ambiguous; possibilities: '--verbose' '--version'\n"),
            (["--lo"], 1, "usage: knockd", "knockd: option '--lo' is ambiguous; possibilities: '--lookup' '--logfile'\n"),
            (["-c", "/nonexistent"], 1, "usage: knockd", "/nonexistent: No such file or directory\n"),
            (["-c", ""], 1, "usage: knockd", "No such file or directory\n"),
            (["-c", "/usr"], 1, "usage: knockd", "/usr: Is a directory\n")):
        # By its own name, which getopt prints.
        done = lab.gateway.run("sh", "-c", 'cd "$(dirname "$1")" && shift && PATH=.:$PATH && exec knockd "$@"', "sh",
                               program("knockd"), *args, check=False)
        check_equal((done.returncode, done.stderr), (code, err), args)
        check(done.stdout.startswith(out), done.stdout)


def test_what_cannot_be_captured(lab):
    path = conf(lab, DOOR)
    done = lab.gateway.run(program("knockd"), "-c", path, "-i", "nosuch0", check=False)
    check_equal((done.returncode, done.stdout), (1, ""))
    check_equal(done.stderr, "could not open nosuch0: nosuch0: No such device exists (No such device exists)\n")
    lab.gateway.run("ip", "link", "add", "dn0", "type", "dummy", check=False)
    done = lab.gateway.run(program("knockd"), "-c", path, "-i", "dn0", check=False)
    if "No such device" not in done.stderr:
        check(re.fullmatch("could not open dn0: .*That device is not up.*\n", done.stderr), done.stderr)


def test_ends_with_the_number_of_the_signal(lab):
    for number in (signal.SIGINT, signal.SIGTERM):
        (lab.dir / "log").unlink(missing_ok=True)
        daemon = start(lab, LOG + DOOR)
        sensor = _sensor_of(daemon)
        check_equal(daemon.stop(number), number)
        check(not os.path.exists(f"/proc/{sensor}"), "nothing of it is left")
        check_equal(daemon.text().splitlines(), [f"listening on {lab.gateway.interface}...", "waiting for child processes...", "closing..."])
        check_equal(log(lab), [f"starting up, listening on {lab.gateway.interface}", "shutting down"])
    for number in (signal.SIGQUIT, signal.SIGUSR1, signal.SIGPIPE, signal.SIGALRM):
        check_equal(start(lab, DOOR).stop(number), -number)


def test_reload_takes_the_new_file_and_keeps_knocks(lab):
    daemon = start(lab, LOG + DOOR)
    source = knock(lab, 7000)
    daemon.wait_for_line(f"{source}: A: Stage 1")
    conf(lab, "[options]\nlogfile=@/log2\ninterface=lo\n" + DOOR + "[E]\nsequence=7100\ntcpflags=syn\n")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for_line(f"re-opening log file: {lab.dir}/log2")
    knock(lab, 8000, source=source)
    daemon.wait_for_line(f"{source}: A: OPEN SESAME")
    knock_opens(lab, "log2", (7100,), "E")
    check_equal(daemon.stop(), 15)
    check_equal(log(lab)[-1], f"re-reading config file: {lab.dir}/conf")
    check("shutting down" in log(lab, "log2"), "the new log")


def test_a_broken_file_changes_nothing(lab):
    daemon = start(lab, LOG + DOOR)
    for text, error in (("[x]\nbad\n", "config: line 2: syntax error"), (None, f"{lab.dir}/conf: No such file or directory"),
                        ("[x]\nsequence=1:xx\n", "config: section x: unknown protocol in knock sequence")):
        if text is None:
            (lab.dir / "conf").unlink()
        else:
            conf(lab, text)
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_line(re.escape(error))
        wait_until(lambda: error in log(lab), what="the error in the log")
        knock_opens(lab)
    check_equal(daemon.stop(), 15)


def test_daemon_mode(lab):
    text = "[options]\nlogfile=@/log\npidfile=@/pid\n" + DOOR
    args = [program("knockd"), "-c", conf(lab, text), "-i", lab.gateway.interface, "-d"]
    done = lab.gateway.run("sh", "-c", 'umask 022; exec "$@"', "sh", *args)
    check_equal((done.stdout, done.stderr), ("", ""))
    pid = int((lab.dir / "pid").read_text())
    check_equal(os.stat(lab.dir / "pid").st_mode & 0o777, 0o644)
    check_equal(os.readlink(f"/proc/{pid}/cwd"), "/")
    knock_opens(lab)
    second = lab.gateway.run(*args, check=False)
    check_equal(second.returncode, 1)
    check(second.stderr, "nothing said about the first daemon")
    check_equal((lab.dir / "pid").read_text(), f"{pid}\n")
    # A changed pid file is moved.
    conf(lab, text.replace("/pid", "/pid2"))
    os.kill(pid, signal.SIGHUP)
    wait_until(lambda: (lab.dir / "pid2").exists() and not (lab.dir / "pid").exists(), what="the new pid file")
    check_equal((lab.dir / "pid2").read_text(), f"{pid}\n")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not (lab.dir / "pid2").exists(), what="the end")


def test_a_relative_pid_file_is_below_the_root(lab):
    path = conf(lab, LOG + DOOR)
    done = lab.gateway.run(program("knockd"), "-d", "-c", path, "-i", lab.gateway.interface, "-p", str(lab.dir)[1:] + "/pid", cwd=lab.dir)
    check_equal((done.stdout, done.stderr, log(lab)), ("", "", [f"starting up, listening on {lab.gateway.interface}"]))
    os.kill(int((lab.dir / "pid").read_text()), signal.SIGTERM)
    wait_until(lambda: not (lab.dir / "pid").exists(), what="the end")


def test_commands_that_run_are_waited_for(lab):
    daemon = start(lab, "[A]\nsequence=7000\ntcpflags=syn\ncommand=echo A >> @/out; sleep 1; echo a >> @/out\ncmd_timeout=600\n"
                        "stop_command=echo B >> @/out\n")
    knock(lab, 7000)
    wait_until(lambda: (lab.dir / "out").exists(), what="the command")
    check_equal(daemon.stop(), 15)
    check_equal((lab.dir / "out").read_text(), "A\na\nB\n")


def test_names_keep_nobody_waiting(lab):
    # A name server that never answers.
    with lab.client:
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((lab.client.address, 53))
    lab.sockets.append(silent)
    resolver = lab.write("resolv.conf", f"nameserver {lab.client.address}\noptions timeout:30\n", mode=0o644)
    lab.gateway.run("mount", "--bind", resolver, "/etc/resolv.conf")
    # The command sees how much of its knock is in the log: nothing, while the name is being looked up.
    text = LOG + "[A]\nsequence=7000,8000\ntcpflags=syn\ncommand=grep -c Stage @/log > @/seen; echo done >> @/seen\n"
    daemon = start(lab, text, "-l")
    source = knock(lab, 7000, 8000)
    daemon.wait_for_line(f"{source}: A: OPEN SESAME")
    wait_until(lambda: (lab.dir / "seen").exists() and "done" in (lab.dir / "seen").read_text(), what="the command")
    check_equal((lab.dir / "seen").read_text(), "0\ndone\n", "the command waited for the name")
    check_equal([line for line in daemon.lines() if source in line or line.startswith("A:")][:3],
                [f"{source}: A: Stage 1", f"{source}: A: Stage 2", f"{source}: A: OPEN SESAME"])
    check_equal(daemon.stop(), 15)
    lab.gateway.run("umount", "/etc/resolv.conf")


def test_one_time_sequences_live(lab):
    lab.write("S", " 7000,7001\n 8000,8001\n")
    daemon = start(lab, LOG + "[D]\none_time_sequences=@/S\ntcpflags=syn\n[E]\nsequence=6000\ntcpflags=syn\n")
    source = knock(lab, 7000, 7001)
    daemon.wait_for_line(f"{source}: D: OPEN SESAME")
    knock_opens(lab, "log", (8000, 8001), "D")
    wait_until(lambda: "no more sequences left in the one time sequences file for door D --> disabling the door" in log(lab))
    knock_opens(lab, "log", (6000,), "E")
    check_equal((lab.dir / "S").read_text(), "#7000,7001\n#8000,8001\n")
    check_equal(daemon.stop(), 15)


def test_the_sensor_is_confined(lab):
    daemon = start(lab, DOOR)
    sensors = [pid for pid in os.listdir("/proc") if pid.isdigit() and f"PPid:\t{daemon.pid}\n" in _status(pid)]
    check_equal(len(sensors), 1)
    facts = dict(line.split(":\t", 1) for line in _status(sensors[0]).splitlines() if ":\t" in line)
    check("0" not in facts["Uid"].split(), facts["Uid"])
    check_equal(int(facts["CapEff"], 16) | int(facts["CapPrm"], 16), 0)
    check_equal(facts["NoNewPrivs"], "1")
    check_equal(daemon.stop(), 15)


def _status(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return file.read()
    except OSError:
        return ""


def test_less_confinement_is_told_without_debug(lab):
    need_tools("setpriv")
    lab.write("log", "", mode=0o666)
    path = conf(lab, DOOR.replace("@/out", "/dev/null") + LOG)
    path.chmod(0o644)
    copy = shutil.copy(program("knockd"), lab.dir)  # the build tree may be closed to the user
    daemon = lab.gateway.spawn("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "+net_raw",
                               "--ambient-caps", "+net_raw", copy, "-c", path, "-i", lab.gateway.interface, "-v",
                               wrap=False)
    daemon.wait_for_line("listening on")
    wanted = "warning: knockd: sensor was not started as root and keeps its user and root directory"
    check(wanted in daemon.lines(), daemon.text())
    check(wanted in log(lab), f"{log(lab)}")
    check(not any("Landlock, which" in line for line in log(lab)), f"{log(lab)}")
    # Another sensor that is confined as the first one is nothing new.
    os.kill(_sensor_of(daemon), signal.SIGKILL)
    daemon.wait_for_line("the packet sensor has ended")
    knock_opens(lab)
    check_equal(log(lab).count(wanted), 1)
    daemon.stop()
    daemon = start(lab, DOOR, "-g", lab.dir / "as-root")
    daemon.stop()
    check(not any("keeps its user" in line for line in log(lab, "as-root")), f"{log(lab, 'as-root')}")


def _sensor_of(daemon):
    with open(f"/proc/{daemon.pid}/task/{daemon.pid}/children") as file:
        return next(map(int, file.read().split()), None)


def test_config_is_checked(lab):
    lab.write("door.conf", "sequence=1,x\ncommand=a\n")
    path = conf(lab, "[d]\n%include door.conf\n[e]\nsequence=1\nseq_timeout=10s\n[e]\nsequence=2\none_time_sequences=/nonexistent\n")
    done = lab.gateway.run(program("knockd"), "--test-config", "-c", path)
    check_equal(done.stdout.splitlines(), [
        f'{lab.dir}/door.conf:1:10: warning: port "x" is invalid --> disabling the door (included from {path}:2)',
        f'{path}:5:13: warning: "10s" is read as 10: text behind the number is ignored',
        f'{path}:6:2: warning: another door is named "e", too'])
    done = lab.gateway.run(program("knockd"), "--test-config", "-c", conf(lab, "[d]\nsequence=1:xx\n"), check=False)
    check_equal((done.returncode, done.stdout), (1, f"{lab.dir}/conf:2:10: error: unknown protocol in knock sequence\n"))


if __name__ == "__main__":
    main(Lab)
