# SPDX-License-Identifier: GPL-2.0-or-later
"""Our packages under a systemd that is process 1: the units as they are, and with the strict drop-ins.

Runs with $LATCHKEY_LONG only (tools/check --long). Each test boots a copy of a Debian that is prepared once.
"""
import atexit
import glob
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from booted_debian import BootedDebian
from debian_root import OUR_PACKAGES, RUNTIME, DebianRoot, built_packages, need_long
from fwknopd_lab import STANZA, ask
from harness import check, check_equal, main, program, wait_until
from lab import Lab, detach_mounts_below

PEERS = ("knockd", "fwknop-server")
UNITS = ("knockd", "fwknop-server")
PROGRAMS = {"knockd": "/usr/sbin/knockd", "fwknop-server": "/usr/sbin/fwknopd"}
# What a filter of system calls refuses is seen as a death, not as an error that a program may pass over in silence.
DEADLY = "[Service]\nSystemCallErrorNumber=kill\n"
DOORS = """[options]
\tUseSyslog
[ssh]
\tsequence = 7000,8000
\tseq_timeout = 20
\ttcpflags = syn
\tcommand = /sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
[shell]
\tsequence = 7100,8100
\tseq_timeout = 20
\ttcpflags = syn
\tcommand = sh -c 'for word in one two; do logger -t a-door "%IP% $word $(id -u)"; done' && touch /run/shell-done
[set]
\tsequence = 7200,8200
\tseq_timeout = 20
\ttcpflags = syn
\tcommand = ipset -exist add knockers %IP%
[nft]
\tsequence = 7500,8500
\tseq_timeout = 20
\ttcpflags = syn
\tcommand = nft add element inet knocked sources { %IP% }
[namespace]
\tsequence = 7600,8600
\tseq_timeout = 20
\ttcpflags = syn
\tcommand = unshare --mount touch /run/unshared
[while]
\tsequence = 7300,8300
\tseq_timeout = 20
\ttcpflags = syn
\tstart_command = /usr/sbin/knock_helper_ipt.sh -i -p tcp -d 443 -f %IP%
\tcmd_timeout = 1
\tstop_command = /usr/sbin/knock_helper_ipt.sh -x -p tcp -d 443 -f %IP%
[long]
\tsequence = 7400,8400
\tseq_timeout = 20
\ttcpflags = syn
\tstart_command = iptables -I INPUT -s %IP% -p tcp --dport 8443 -j ACCEPT
\tcmd_timeout = 600
\tstop_command = iptables -D INPUT -s %IP% -p tcp --dport 8443 -j ACCEPT
"""
prepared = {}


def prepared_root():
    """A Debian with systemd and what the packages need; theirs and ours lie in it as files. Made once a process."""
    if not prepared:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-systemd."))
        atexit.register(lambda: (detach_mounts_below(folder), shutil.rmtree(folder, ignore_errors=True)))
        packages = built_packages(folder)
        check_equal(len(packages), len(OUR_PACKAGES), "packages of ours")
        root = DebianRoot(folder / "debian")
        needed = ("systemd", "systemd-sysv", "ipset", "nftables", *RUNTIME)
        root.fetch(*PEERS, *needed)
        for deb in packages:
            shutil.copy(deb, root.at("/var/tmp"))
        apt(root, "install", *needed)
        prepared["path"] = root.path
    return prepared["path"]


def apt(system, *words):
    """Without a network and without anybody to answer: what asks, fails."""
    return system.run("apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *words,
                      environment={"DEBIAN_FRONTEND": "noninteractive"}).stdout


def debs(root):
    return [f"/var/tmp/{os.path.basename(deb)}" for deb in glob.glob(f"{root.path}/var/tmp/*.deb")]


class LongLab(Lab):
    def __init__(self):
        need_long()
        super().__init__()


def boot(lab):
    return BootedDebian(DebianRoot(lab.dir / "debian", prepared_root()), lab.gateway)


def write(system, path, text, mode=0o644):
    system.at(path).parent.mkdir(parents=True, exist_ok=True)
    system.at(path).write_text(text)
    system.at(path).chmod(mode)


def configure(lab, system):
    write(system, "/etc/knockd.conf", DOORS, 0o640)
    write(system, "/etc/default/knockd", f'START_KNOCKD=0\nKNOCKD_OPTS="-i {lab.gateway.interface}"\n')
    write(system, "/etc/fwknop/fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\n", 0o600)
    write(system, "/etc/fwknop/access.conf", f"{STANZA}FW_ACCESS_TIMEOUT 4\n", 0o600)


def make_sets(lab):
    """Those that doors add to."""
    lab.gateway.run("ipset", "create", "knockers", "hash:ip")
    lab.gateway.run("nft", "add table inet knocked; add set inet knocked sources { type ipv4_addr; }")


def install(lab, system, strict=False):
    """Ours, configured, and with their drop-ins when `strict`: as the guide says, and one that makes a refusal deadly."""
    apt(system, "install", *debs(system.root))
    configure(lab, system)
    make_sets(lab)
    for unit in UNITS if strict else ():
        sample = f"/usr/share/doc/latchkey-{unit}/examples/{unit}-strict.conf"
        system.run("install", "-D", "-m", "644", sample, f"/etc/systemd/system/{unit}.service.d/strict.conf")
        drop_in(system, unit, "zz-deadly", DEADLY)
    system.systemctl("daemon-reload")


def drop_in(system, unit, name, text):
    write(system, f"/etc/systemd/system/{unit}.service.d/{name}.conf", text)
    system.systemctl("daemon-reload")


def main_process(system, unit):
    """The process id, seen from outside, of the unit's main process, whose program is checked."""
    pid = int(system.property(unit, "MainPID"))
    check(pid > 0, f"{unit} has no main process:\n{system.journal(unit)}")
    check_equal(system.run("readlink", f"/proc/{pid}/exe").stdout.strip(), PROGRAMS[unit], f"{unit}: program of process {pid}")
    return pid


def start(system, unit):
    done = system.systemctl("start", unit, check=False)
    check_equal((done.returncode, system.property(unit, "ActiveState")), (0, "active"),
                f"start of {unit}\n{done.stderr}{system.journal()}")
    return main_process(system, unit)


def wait_for_journal(system, text):
    """Lines are taken from the system's syslog socket by a process of its own."""
    wait_until(lambda: text in system.journal(), what=f"in the journal: {text}")


def knock(lab, *ports):
    lab.client.run(program("knock"), "-d", "20", lab.gateway.address, *ports)


def doors_work(lab, system):
    source = f"-s {lab.client.address}/32"
    knock(lab, 7000, 8000)
    lab.gateway.wait_for_rule(f"-A INPUT {source} .*--dport 22 -j ACCEPT")
    knock(lab, 7100, 8100)
    wait_for_journal(system, f"{lab.client.address} two 0")
    wait_until(system.at("/run/shell-done").exists, what="the file that the shell command makes")
    lab.gateway.run("ipset", "flush", "knockers")
    knock(lab, 7200, 8200)
    wait_until(lambda: lab.client.address in lab.gateway.run("ipset", "list", "knockers").stdout, what="the knocker in the set")
    lab.gateway.run("nft", "flush", "set", "inet", "knocked", "sources")
    knock(lab, 7500, 8500)
    wait_until(lambda: lab.client.address in lab.gateway.run("nft", "list", "table", "inet", "knocked").stdout, what="the knocker in nft's set")
    knock(lab, 7300, 8300)
    lab.gateway.wait_for_rule(f"-A INPUT {source} .*--dport 443 ")
    lab.gateway.wait_for_rule(f"-A INPUT {source} .*--dport 443 ", present=False)


def grants_work(lab, system, folder="/run/fwknop"):
    cache = system.at(f"{folder}/digest.cache")
    before = cache.read_text().splitlines() if cache.exists() else []
    ask(lab, "-A", "tcp/2222")
    lab.gateway.wait_for_rule("--dport 2222 ")
    check_equal(cache.read_text().splitlines()[:-1], before, "the replay cache has one line more, whatever was restarted")
    lab.gateway.wait_for_rule("--dport 2222 ", present=False)
    wait_for_journal(system, "Removed rule 1 from FWKNOP_INPUT")


def nothing_was_refused(system):
    """Neither a warning of ours, nor a process that a filter or systemd has ended."""
    words = ("arning", "rror", "ailed", "not permitted", "denied", "non-zero", "not support", "gnoring", "SYS", "SIGKILL")
    lines = [line for unit in UNITS for line in system.journal(unit).splitlines()]
    check(len(lines) > 20, f"the units' lines are in the journal: {lines}")
    check_equal([line for line in lines if any(word in line for word in words)], [], "lines of the journal")


def one_life(lab, system):
    """Start, reload, restart, stop; packets do their work at each time."""
    for unit, works in (("knockd", doors_work), ("fwknop-server", grants_work)):
        first = start(system, unit)
        works(lab, system)
        system.systemctl("reload", unit)
        text, times = {"knockd": ("re-reading config file", 1), "fwknop-server": ("Starting fwknopd main event loop", 2)}[unit]
        wait_until(lambda: system.journal(unit).count(text) == times, what=f"{unit} has read its files again")
        works(lab, system)
        check_equal(main_process(system, unit), first, f"{unit}: main process after a reload")
        system.systemctl("restart", unit)
        check(main_process(system, unit) != first, f"{unit}: main process after a restart")
        works(lab, system)
        system.systemctl("stop", unit)
        check_equal((system.property(unit, "ActiveState"), system.property(unit, "Result")), ("inactive", "success"), f"{unit} stopped")
    nothing_was_refused(system)


def test_the_units(lab):
    with boot(lab) as system:
        install(lab, system)
        one_life(lab, system)


def test_the_strict_drop_ins(lab):
    with boot(lab) as system:
        install(lab, system, strict=True)
        one_life(lab, system)
        start(system, "knockd")
        knock(lab, 7600, 8600)
        wait_for_journal(system, "namespace: command returned non-zero status code (1)")  # RestrictNamespaces=


def test_commands_of_the_unit_as_it_is_may_do_anything(lab):
    with boot(lab) as system:
        install(lab, system)
        start(system, "knockd")
        knock(lab, 7600, 8600)
        wait_until(system.at("/run/unshared").exists, what="what a new mount namespace was made for")


def test_a_start_says_when_it_is_over(lab):
    """Type=notify: once `systemctl start` has returned, the first packet counts; a failed start is told."""
    with boot(lab) as system:
        install(lab, system)
        for _ in range(5):
            start(system, "knockd")
            lab.client.run(program("knock"), lab.gateway.address, 7000, 8000)
            lab.gateway.wait_for_rule("--dport 22 ")
            lab.gateway.iptables("-F", "INPUT")
            system.systemctl("stop", "knockd")
            start(system, "fwknop-server")
            grants_work(lab, system)
            system.systemctl("stop", "fwknop-server")
        write(system, "/etc/knockd.conf", "[ssh]\nsequence=99999\n", 0o640)
        write(system, "/etc/fwknop/access.conf", "SOURCE ANY\n", 0o600)
        for unit in UNITS:
            check(system.systemctl("start", unit, check=False).returncode != 0, f"{unit} starts with a faulty configuration")
            print(system.journal(unit))


def test_killed_daemons(lab):
    """knockd has no Restart=, as before, and closes at its next start; fwknopd comes back by itself, and closes what was open."""
    with boot(lab) as system:
        install(lab, system)
        start(system, "knockd")
        knock(lab, 7400, 8400)
        lab.gateway.wait_for_rule("--dport 8443 ")
        system.systemctl("kill", "--signal=KILL", "--kill-who=main", "knockd")
        wait_until(lambda: system.property("knockd", "ActiveState") == "failed", what="knockd has failed")
        check_equal(system.run("pidof", "knockd", check=False).stdout.strip(), "", "processes of knockd")
        lab.gateway.wait_for_rule("--dport 8443 ")
        start(system, "knockd")
        system.systemctl("stop", "knockd")
        lab.gateway.wait_for_rule("--dport 8443 ", present=False)

        first = start(system, "fwknop-server")
        ask(lab, "-A", "tcp/2222", "-f", 6)
        lab.gateway.wait_for_rule("--dport 2222 ")
        system.systemctl("kill", "--signal=KILL", "--kill-who=main", "fwknop-server")
        wait_until(lambda: int(system.property("fwknop-server", "MainPID")) not in (0, first), what="a new fwknopd")
        wait_until(lambda: system.property("fwknop-server", "ActiveState") == "active", what="fwknopd is active again")
        lab.gateway.wait_for_rule("--dport 2222 ", present=False)
        grants_work(lab, system)


def is_open(system, log):
    """By the main process of knockd."""
    folder = system.at(f"/proc/{system.property('knockd', 'MainPID')}/fd")
    return any(fd.exists() and fd.samefile(log) for fd in folder.iterdir())


def test_rotated_log_within_the_strict_drop_in(lab):
    """logrotate renames the file and makes a new one: after the reload lines go there."""
    with boot(lab) as system:
        install(lab, system, strict=True)
        write(system, "/etc/knockd.conf", DOORS.replace("UseSyslog", "LogFile = /var/log/knockd.log"), 0o640)
        log = system.at("/var/log/knockd.log")
        start(system, "knockd")
        for turn in range(3):
            knock(lab, 7000, 8000)
            wait_until(lambda: log.exists() and "OPEN SESAME" in log.read_text(), what=f"a line in the log, turn {turn}")
            system.run("sh", "-c", "mv /var/log/knockd.log /var/log/knockd.log.1; install -m 640 /dev/null /var/log/knockd.log")
            system.systemctl("reload", "knockd")
            wait_until(lambda: is_open(system, log), what="the new log is open")
        check("annot open" not in system.journal(), system.journal())


def test_drop_ins_for_debians_units(lab):
    """What administrators have added to the old units starts ours, too: in the background, with a pid file, with options."""
    ours = {"knockd": ("-d -i {interface}", "/run/knockd.pid"), "fwknop-server": ("-i {interface}", "/run/fwknop/fwknopd.pid")}
    with boot(lab) as system:
        install(lab, system)
        for unit, (options, pid_file) in ours.items():
            command = f"ExecStart=\nExecStart={PROGRAMS[unit]} {options.format(interface=lab.gateway.interface)}\n"
            drop_in(system, unit, "local", f"[Service]\n{command}")
            pid = start(system, unit)
            check_equal(system.at(pid_file).read_text().strip(), str(pid), f"{unit}: pid file")
            system.systemctl("stop", unit)
            drop_in(system, unit, "local", f"[Service]\nType=forking\nPIDFile={pid_file}\n{command}")
            check_equal(start(system, unit), int(system.at(pid_file).read_text()), f"{unit}: main process of a forking service")
            system.systemctl("stop", unit)
        drop_in(system, "knockd", "local", f"[Service]\nType=simple\nExecStart=\nExecStart=/usr/sbin/knockd -i {lab.gateway.interface}\n")
        start(system, "knockd")
        wait_for_journal(system, "starting up, listening on")
        doors_work(lab, system)


def test_options_of_etc_default(lab):
    """START_KNOCKD and START_DAEMON are for the init scripts; several words are several arguments; no file is no error."""
    with boot(lab) as system:
        install(lab, system)
        write(system, "/etc/other.conf", DOORS.replace("[ssh]", "[other]"), 0o640)
        write(system, "/etc/default/knockd", f'START_KNOCKD=0\n# a comment\nKNOCKD_OPTS="-c /etc/other.conf -i {lab.gateway.interface}"\n')
        start(system, "knockd")
        knock(lab, 7000, 8000)
        wait_for_journal(system, f"{lab.client.address}: other: OPEN SESAME")
        write(system, "/etc/fwknop/fwknopd.conf", "", 0o600)
        write(system, "/etc/default/fwknop-server", f'START_DAEMON="no"\nDAEMON_ARGS="-i {lab.gateway.interface} -r /run/elsewhere"\n')
        start(system, "fwknop-server")
        check(system.at("/run/elsewhere/fwknopd.pid").exists(), "-r of DAEMON_ARGS")
        grants_work(lab, system, "/run/elsewhere")
        for unit in UNITS:
            system.systemctl("stop", unit)
            system.at(f"/etc/default/{unit}").unlink()
        write(system, "/etc/fwknop/fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\n", 0o600)
        write(system, "/etc/knockd.conf", DOORS.replace("UseSyslog", f"UseSyslog\n\tInterface = {lab.gateway.interface}"), 0o640)
        for unit in UNITS:
            start(system, unit)


def settings_of(system, unit):
    return system.property(unit, "UnitFileState"), system.property(unit, "ActiveState")


def test_ours_over_debians_and_back(lab):
    """Enabled units stay enabled, running daemons are replaced by a restart, and back."""
    with boot(lab) as system:
        apt(system, "install", *PEERS)
        configure(lab, system)
        make_sets(lab)
        system.systemctl("enable", "--now", *UNITS)
        theirs = {unit: main_process(system, unit) for unit in UNITS}
        apt(system, "install", *debs(system.root))
        ours = {}
        for unit in UNITS:
            check_equal(settings_of(system, unit), ("enabled", "active"), f"{unit} after the installation of ours\n{system.journal(unit)}")
            ours[unit] = main_process(system, unit)
            check(ours[unit] != theirs[unit], f"{unit} was not restarted")
        check_equal(system.property("knockd", "Type"), "notify", "the unit in force is ours")
        doors_work(lab, system)
        grants_work(lab, system)
        apt(system, "install", "--reinstall", *debs(system.root))
        for unit in UNITS:
            check_equal(settings_of(system, unit), ("enabled", "active"), f"{unit} after ours once more")
            check(main_process(system, unit) != ours[unit], f"{unit} was not restarted by ours once more")
        apt(system, "install", *PEERS)
        system.systemctl("start", "knockd")  # Debian's package starts nothing
        for unit in UNITS:
            check_equal(settings_of(system, unit), ("enabled", "active"), f"{unit} after the way back\n{system.journal(unit)}")
        check_equal(system.property("knockd", "Type"), "simple", "the unit in force is Debian's")
        knock(lab, 7300, 8300)
        lab.gateway.wait_for_rule("--dport 443 ")


def test_a_fresh_installation_opens_nothing(lab):
    """Neither daemon is started or enabled; purging leaves no unit, no user's file and no process."""
    with boot(lab) as system:
        apt(system, "install", *debs(system.root))
        for unit in UNITS:
            check_equal(settings_of(system, unit), ("disabled", "inactive"), f"{unit} after the first installation")
        configure(lab, system)
        system.systemctl("enable", "--now", *UNITS)
        apt(system, "purge", *OUR_PACKAGES)
        for unit in UNITS:
            check_equal(system.property(unit, "LoadState"), "not-found", unit)
            check_equal(system.run("pidof", PROGRAMS[unit], check=False).stdout, "", f"processes of {unit}")
        check_equal(system.systemctl("--failed", "--no-legend").stdout, "", "failed units")


if __name__ == "__main__":
    main(LongLab)
