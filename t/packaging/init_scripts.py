# SPDX-License-Identifier: GPL-2.0-or-later
"""The init scripts, run beside Debian's own: what each action does, says and returns."""
import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import STANZA
from harness import check, check_equal, main, need_tools, peer, program, wait_until
from keeper import Keeper
from lab import Lab
from tree import TOP

# Folders that the scripts use, in a copy that nobody else sees.
OWN_FOLDERS = """mount -t proc proc /proc
mount -t tmpfs tmpfs /run
for folder in etc usr/sbin; do
  mkdir -p "$1/$folder.up" "$1/$folder.work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$1/$folder.up,workdir=$1/$folder.work" "/$folder"
done"""
DOOR = "[options]\nUseSyslog\n[ssh]\nsequence = 7000,8000\nseq_timeout = 5\ncommand = true\n"


class Machine:
    """One daemon with its script, ours or Debian's; no process of any other machine is seen there."""

    def __init__(self, lab, daemon, is_ours=True):
        need_tools("nsenter", "start-stop-daemon")
        self.lab, self.daemon, self.is_ours = lab, daemon, is_ours
        self.script = {"knockd": "knockd", "fwknopd": "fwknop-server"}[daemon]
        self.pid_file = {"knockd": "/run/knockd.pid", "fwknopd": "/run/fwknop/fwknopd.pid"}[daemon]
        if not is_ours:
            peer(daemon)
        own = self.own = lab.dir / f"{daemon}-{is_ours}"
        own.mkdir()
        self.keeper = Keeper(OWN_FOLDERS, own, namespaces=("--mount",))
        if is_ours:
            self.copy(program(daemon), f"/usr/sbin/{daemon}")
            self.copy(TOP / "dist" / self.script.removesuffix("-server") / "init", f"/etc/init.d/{self.script}")
        self.write("/etc/knockd.conf", DOOR)
        self.write("/etc/fwknop/fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR /run/fwknop;\n")
        self.write("/etc/fwknop/access.conf", STANZA)
        self.at("/run/fwknop").mkdir(mode=0o700)
        self.enable(True)

    def at(self, path):
        return pathlib.Path(f"/proc/{self.keeper.pid}/root{path}")

    def write(self, path, text, mode=0o600):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text)
        self.at(path).chmod(mode)

    def copy(self, source, path):
        self.at(path).unlink(missing_ok=True)
        shutil.copy(source, self.at(path))
        self.at(path).chmod(0o755)

    def enable(self, is_on, more=""):
        """Writes /etc/default; the paths of files are those of a program with Debian's folders."""
        if self.daemon == "knockd":
            options = f'KNOCKD_OPTS="-c /etc/knockd.conf -p {self.pid_file} -i {self.lab.gateway.interface} {more}"\n'
            self.write("/etc/default/knockd", f"START_KNOCKD={int(is_on)}\n{options}")
        else:
            options = f'DAEMON_ARGS="-c /etc/fwknop/fwknopd.conf -a /etc/fwknop/access.conf {more}"\n'
            self.write("/etc/default/fwknop-server", f'START_DAEMON="{"yes" if is_on else "no"}"\n{options}')

    def run(self, *argv, **how):
        # --root: a mount namespace entered without it begins at the machine's own root, beyond any chroot we are in.
        return self.lab.gateway.run("nsenter", f"--target={self.keeper.pid}", "--mount", "--pid", "--root", "--wdns=/", *argv,
                                    check=False, limit_s=100, **how)

    def act(self, action):
        """Status and all that is said, without colours and ends of line."""
        done = self.run(f"/etc/init.d/{self.script}", action)
        return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr).strip()

    def daemons(self):
        """The main processes that run: those whose parent is not a daemon, too."""
        rows = [line.split() for line in self.run("ps", "-C", self.daemon, "-o", "pid=,ppid=").stdout.splitlines()]
        return [pid for pid, parent in rows if parent not in (one for one, _ in rows)]

    def in_pid_file(self):
        return self.at(self.pid_file).read_text().strip() if self.at(self.pid_file).exists() else None


USAGE = r"^Usage: /etc/init.d/[\w-]+ \{start.stop.restart"
# Action, whether a daemon runs afterwards, status and text of ours, of Debian's (None: as ours).
STEPS = {
    "knockd": (
        ("stop", False, (0, "^Stopping Port-knock daemon: knockd.$"), None),
        ("status", False, (3, "is not running"), (1, USAGE)),
        ("start", True, (0, "^Starting Port-knock daemon: knockd.$"), None),
        ("start", True, (0, "^Starting Port-knock daemon: knockd.$"), None),
        ("status", True, (0, "is running"), (1, USAGE)),
        ("restart", True, (0, "^Stopping .*: knockd. Starting .*: knockd.$"), None),
        ("reload", True, (0, "^Stopping .*: knockd. Starting .*: knockd.$"), None),
        ("force-reload", True, (0, "^Stopping .*: knockd. Starting .*: knockd.$"), None),
        ("try-restart", True, (1, USAGE), None),
        ("stop", False, (0, "^Stopping Port-knock daemon: knockd.$"), None),
        ("reload", True, (0, "^Stopping .*: knockd. Starting .*: knockd.$"), None)),
    "fwknopd": (
        ("stop", False, (0, "^Stopping .*: fwknopd.$"), None),
        ("status", False, (3, "No running fwknopd"), (1, "No running fwknopd")),
        ("start", True, (0, "^Starting .*: fwknopd.$"), None),
        ("start", True, (0, "^Starting .*: fwknopd.$"), (0, "already running")),
        ("status", True, (0, "fwknopd is running"), None),
        ("restart", True, (0, "^Stopping .*: fwknopd. Starting .*: fwknopd.$"), None),
        ("force-reload", True, (0, "^Reloading .*: fwknopd"), (0, "^Stopping .*: fwknopd. Starting .*: fwknopd.$")),
        ("reload", True, (0, "^Reloading .*: fwknopd"), (1, USAGE)),
        ("try-restart", True, (1, USAGE), None),
        ("stop", False, (0, "^Stopping .*: fwknopd.$"), None),
        ("reload", False, (1, "No running fwknopd detected"), (1, USAGE))),
}
FAULTS = (("knockd", "/etc/knockd.conf", "[x]\nsequence = 99999\n"),
          ("fwknopd", "/etc/fwknop/fwknopd.conf", "MAX_SPA_PACKET_AGE long;\n"),
          ("fwknopd", "/etc/fwknop/access.conf", "SOURCE ANY\n"))
RELOADS = {("fwknopd", "reload"), ("fwknopd", "force-reload")}


def follow(lab, daemon, is_ours):
    machine = Machine(lab, daemon, is_ours)
    for number, (action, runs, ours, theirs) in enumerate(STEPS[daemon]):
        before, where = machine.daemons(), f"{daemon}, step {number}: {action}{'' if is_ours else ' of Debian'}"
        status, text = machine.act(action)
        wanted, pattern = ours if is_ours else theirs or ours
        check(status == wanted and re.search(pattern, text), f"{where}: {status}, {text!r}")
        if is_ours:
            # Debian's scripts come back before the old daemon has ended, or the new one is alone.
            after = machine.daemons()
            check_equal(len(after), int(runs), f"{where}: daemons {after}")
            keeps = action in ("start", "status", "try-restart") or (daemon, action) in RELOADS
            check(not before or not after or (before == after) == keeps, f"{where}: from {before} to {after}")


def test_knockd_step_by_step(lab):
    follow(lab, "knockd", True)


def test_fwknopd_step_by_step(lab):
    follow(lab, "fwknopd", True)


def test_debians_scripts_step_by_step(lab):
    for daemon in STEPS:
        follow(lab, daemon, False)


def test_a_disabled_daemon_is_not_started_but_can_be_stopped(lab):
    for daemon in STEPS:
        machine = Machine(lab, daemon)
        machine.act("start")
        machine.enable(False)
        check_equal(machine.act("status")[0], 0, f"{daemon}: status while it runs")
        status, text = machine.act("start")
        check(status == 0 and "(warning)" in text, f"{daemon}: {status}, {text}")
        status, text = machine.act("restart")
        check_equal((status, machine.daemons()), (0, []), f"{daemon}: restart; {text}")
        check("(warning)" in text, f"{daemon}: {text}")
        check_equal(machine.act("stop")[0], 0, f"{daemon}: stop")


def test_a_pid_file_that_was_left_behind(lab):
    """Its pid is nobody's, or another program's by now: that one is not ours to end."""
    for daemon in STEPS:
        machine = Machine(lab, daemon)
        for left in ("echo 4000", "sleep 600 >/dev/null 2>&1 & echo $!"):
            machine.run("sh", "-c", f"({left}) >{machine.pid_file}")
            pid = machine.in_pid_file()
            check_equal(machine.act("status")[0], {"knockd": 1, "fwknopd": 3}[daemon], f"{daemon}: status")
            check_equal(machine.act("stop")[0], 0, f"{daemon}: stop")
            check_equal(machine.run("kill", "-0", pid).returncode == 0, pid != "4000", f"{daemon}: the other program lives")
            check_equal((machine.act("start")[0], len(machine.daemons())), (0, 1), f"{daemon}: start")
            check_equal(machine.daemons(), [machine.in_pid_file()], f"{daemon}: pid file")
            check_equal((machine.act("stop")[0], machine.daemons()), (0, []), f"{daemon}: stop")


def test_a_faulty_configuration_ends_no_daemon(lab):
    """A restart is refused; a stop is a stop, though fwknopd does not know its pid file then."""
    for daemon, path, fault in FAULTS:
        machine = Machine(lab, daemon)
        machine.act("start")
        before = machine.daemons()
        machine.write(path, fault)
        status, text = machine.act("restart")
        check(status == 1 and "is not restarted" in text and path in text, f"{path}: {status}, {text}")
        check_equal((machine.daemons(), machine.act("status")[0]), (before, 0), f"{path}: the daemon after a restart")
        check_equal((machine.act("stop")[0], machine.daemons()), (0, []), f"{path}: stop")
        status, text = machine.act("start")
        check_equal((status, machine.daemons()), ({"knockd": 0, "fwknopd": 1}[daemon], []), f"{path}: start; {text}")
        machine.keeper.end()
        shutil.rmtree(machine.own)


def test_the_script_looks_where_daemon_args_say(lab):
    machine = Machine(lab, "fwknopd")
    machine.enable(True, "-r /run/elsewhere")
    machine.pid_file = "/run/elsewhere/fwknopd.pid"
    check_equal((machine.act("start")[0], len(machine.daemons())), (0, 1), "start")
    check_equal(machine.act("status"), (0, f"Detected fwknopd is running (pid={machine.in_pid_file()})."), "status")
    check_equal(machine.act("reload")[0], 0, "reload")
    check_equal((machine.act("stop")[0], machine.daemons()), (0, []), "stop")


def test_stop_waits_for_stop_commands(lab):
    """knockd gives them a minute; the script does not kill it before."""
    machine = Machine(lab, "knockd")
    machine.write("/etc/knockd.conf", DOOR.replace("command = true", "start_command = touch /run/opened\ncmd_timeout = 600\n"
                                                   "stop_command = sleep 12; touch /run/closed"))
    machine.act("start")
    lab.client.run(program("knock"), lab.gateway.address, 7000, 8000)
    wait_until(machine.at("/run/opened").exists, what="the door is open")
    check_equal((machine.act("stop")[0], machine.at("/run/closed").exists()), (0, True), "stop, and the door is closed")


if __name__ == "__main__":
    main(Lab)
