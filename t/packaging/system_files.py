# SPDX-License-Identifier: GPL-2.0-or-later
"""Files for other programs of the system: AppArmor, logcheck, fail2ban, logrotate, tmpfiles, sysusers, init."""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, check, check_equal, main, need_root, need_tools
from tree import TOP, read

DAEMONS = {"knockd": "knockd", "fwknop": "fwknopd"}  # folder of dist: program
# Lines of a day on which nothing was wrong (spec/knockd.md 6, spec/fwknopd-runtime.md 10).
NORMAL = {
    "knockd": (
        "192.0.2.7: openSSH: Stage 1", "2001:db8::7: open SSH: Stage 12", "192.0.2.7 (client.test): openSSH: Stage 2",
        "192.0.2.7: openSSH: OPEN SESAME", "192.0.2.7: openSSH: sequence timeout (stage 2)", "192.0.2.7: openSSH: command timeout",
        "openSSH: running command: /sbin/iptables -A INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT",
        "removing failed knock attempt (192.0.2.7)", "removing successful knock attempt (192.0.2.7)",
        "new sequence for door openSSH: 1,2,3", "starting up, listening on eth0", "re-reading config file: /etc/knockd.conf",
        "closing log file: /var/log/knockd.log", "re-opening log file: /var/log/knockd.log", "waiting for child processes...",
        "closing...", "shutting down"),
    "fwknop": (
        "Starting fwknopd", "Re-starting fwknopd", "Shutting Down fwknopd.", "Starting fwknopd main event loop.",
        "Gracefully leaving the fwknopd event loop.", "Got SIGHUP. Re-reading configs.", "Got SIGTERM. Exiting...",
        "Got SIGINT. Exiting...", "Using Digest Cache: '/run/fwknop/digest.cache' (entry count = 12)", "Sniffing interface: eth0",
        "PCAP filter is: 'udp port 62201'", "Kicking off UDP server to listen on port 62201.",
        "Kicking off TCP server to listen on port 62201.", "(stanza #1) SPA Packet from IP: 192.0.2.7 received with access source match",
        "Added access rule to FWKNOP_INPUT for 192.0.2.7 -> 0.0.0.0/0 tcp/22, expires at 1700000000",
        "Removed rule 1 from FWKNOP_INPUT with expire time of 1700000000",
        "[192.0.2.7] (stanza #1) Processing SPA Command message: command='date'.", "[192.0.2.7] (stanza #1) Running command 'date'",
        "[192.0.2.7] (stanza #2) Running CMD_CYCLE_OPEN command: /bin/open", "[2001:db8::7] (stanza #2) Running CMD_CYCLE_CLOSE "
        "command in 30 seconds: /bin/close", "[192.0.2.7] (stanza #2) Timer expired, running CMD_CYCLE_CLOSE command: /bin/close",
        "[192.0.2.7] (stanza #1) CMD_EXEC: command returned 0, pid_status: 0", "Rotating digest cache file."),
}
ALARMING = {
    "knockd": ("openSSH: command returned non-zero status code (1)", "error: command fork failed!", "could not open eth0: no such device",
               "too many knock attempts: 3 of the oldest dropped"),
    "fwknop": ("Replay detected from source IP: 192.0.2.7, Destination proto/port: 17/62201", "No access data found for source IP: 192.0.2.7",
               "[192.0.2.7] (stanza #1) Error creating fko context: Decryption failed", "The interface went down",
               "[192.0.2.7] (stanza #1) CMD_EXEC: command returned 1, pid_status: 256",
               "[192.0.2.7] (stanza #1) SPA data time difference is too great (900 seconds)."),
}
# Lines about refused packets, and the address that they accuse.
REFUSED = {
    "knockd": (("192.0.2.7: openSSH: sequence timeout (stage 2)", "192.0.2.7"), ("2001:db8::7: open SSH: sequence timeout (stage 1)", "2001:db8::7"),
               ("192.0.2.7 (client.test): openSSH: sequence timeout (stage 2)", "192.0.2.7"),
               ("192.0.2.7: openSSH: OPEN SESAME", None), ("192.0.2.7: openSSH: Stage 1", None)),
    "fwknop": (("Replay detected from source IP: 192.0.2.7, Destination proto/port: 17/62201, Original source IP: 192.0.2.9, Original "
                "dst proto/port: 17/62201, Entry created: 11/21/26 05:00:00", "192.0.2.7"),
               ("No access data found for source IP: 192.0.2.7", "192.0.2.7"),
               ("[192.0.2.7] preprocess_spa_data() returned error 64: 'Args contain invalid data' for incoming packet.", "192.0.2.7"),
               ("(stanza #2) SPA packet (192.0.2.7 -> 198.51.100.1) filtered by SOURCE and/or DESTINATION criteria", "192.0.2.7"),
               ("(stanza #2) SPA packet from 192.0.2.7 requested NAT access, but is not enabled/supported", "192.0.2.7"),
               ("[192.0.2.7] (stanza #1) SPA data time difference is too great (900 seconds).", "192.0.2.7"),
               ("[192.0.2.7] (stanza #1) One or more requested protocol/ports was denied per access.conf.", "192.0.2.7"),
               ("[192.0.2.7] (stanza #1) Username in SPA data (x) does not match required username: [198.51.100.9]", "192.0.2.7"),
               ("(stanza #1) SPA Packet from IP: 192.0.2.7 received with access source match", None)),
}


def syslog_line(folder, text):
    return f"Nov 21 05:00:00 gateway {DAEMONS[folder]}{'[123]' if folder == 'fwknop' else ''}: {text}"


def unmatched(folder, lines):
    """The lines that no rule of logcheck matches: those that it mails."""
    text = "".join(syslog_line(folder, line) + "\n" for line in lines)
    done = subprocess.run(["grep", "-E", "-v", "-f", TOP / f"dist/{folder}/logcheck"], input=text, text=True, capture_output=True)
    check(done.returncode in (0, 1), done.stderr)
    return [line.split(": ", 1)[1] for line in done.stdout.splitlines()]


def test_logcheck_is_silent_on_a_normal_day():
    for folder, lines in NORMAL.items():
        check_equal(unmatched(folder, lines), [], f"{folder}: lines that logcheck mails")
        check_equal(unmatched(folder, ALARMING[folder]), list(ALARMING[folder]), f"{folder}: lines that logcheck must mail")


def test_normal_lines_are_the_programs_own():
    """Every sample above can come from a text of the program, so a changed text is noticed here."""
    sources = {"knockd": [read("knockd/texts.h")],
               "fwknop": [read("fwknopd/log_texts.h")] + [p.read_text() for p in (TOP / "fwknopd").rglob("*.cc")]}
    for folder, texts in sources.items():
        joined = [re.sub(r'"\s*\n\s*"', "", text) for text in texts]
        templates = {t for text in joined for t in re.findall(r'"((?:[^"\\\n]|\\.){4,})"', text)}
        known = [re.compile(re.escape(t.replace('\\"', '"')).replace(r"\{\}", ".*") + "$") for t in templates]
        samples = NORMAL[folder] + ALARMING[folder] + tuple(line for line, _ in REFUSED[folder])
        strange = [line for line in samples if not any(k.match(line) for k in known)]
        check_equal(strange, [], f"{folder}: lines that the program never writes")


def accused(filter_file, line):
    """Whom fail2ban would ban for a line; None: nobody."""
    done = subprocess.run(["fail2ban-regex", "-v", line, filter_file], capture_output=True, text=True)
    check("Traceback" not in done.stderr, done.stderr)
    found = re.search(r"^\|\s+([0-9a-f.:]+)\s+\w{3} \w{3} ", done.stdout, re.M)
    return found.group(1) if found else None


def test_fail2ban():
    need_tools("fail2ban-regex")
    common = "/etc/fail2ban/filter.d/common.conf"
    if not os.path.exists(common):
        raise Skip(f"no {common}")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(common, folder)
        for name, rows in REFUSED.items():
            path = shutil.copy(TOP / f"dist/{name}/fail2ban.conf", f"{folder}/{name}.conf")
            for line, address in rows:
                check_equal(accused(path, syslog_line(name, line)), address, f"{name}: {line}")
                if name == "knockd":
                    check_equal(accused(path, f"[2026-11-21 05:00] {line}"), address, f"knockd's own log file: {line}")


def test_apparmor_profiles_parse():
    need_tools("apparmor_parser")
    if not os.path.isdir("/etc/apparmor.d/abstractions"):
        raise Skip("no AppArmor abstractions")
    for folder in DAEMONS:
        done = subprocess.run(["apparmor_parser", "-Q", "-K", TOP / f"dist/{folder}/apparmor"], capture_output=True, text=True)
        check_equal(done.returncode, 0, done.stdout + done.stderr)


def test_logrotate():
    need_tools("logrotate")
    with tempfile.TemporaryDirectory() as folder:
        log, conf = f"{folder}/knockd.log", f"{folder}/conf"
        text = read("dist/knockd/logrotate").replace("/var/log/knockd.log {", f"{log} {{").replace("create 0640 root adm", "create 0640")
        text = text.replace("/run/knockd.pid", f"{folder}/pid")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(conf, 0o644)
        with open(log, "w", encoding="utf-8") as file:
            file.write("line\n")
        done = subprocess.run(["logrotate", "-f", "-s", f"{folder}/state", conf], capture_output=True, text=True)
        check_equal((done.returncode, done.stderr), (0, ""), "logrotate")
        check_equal(os.path.getsize(log), 0, "the new log")
        check(os.path.exists(f"{log}.1"), "the old log")


def test_tmpfiles():
    need_tools("systemd-tmpfiles")
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/conf")
        with open(f"{folder}/conf/fwknop-server.conf", "w", encoding="utf-8") as file:
            file.write(read("dist/fwknop/tmpfiles.conf.in").replace("@runstatedir@", "/run"))
        done = subprocess.run(["systemd-tmpfiles", f"--root={folder}", "--create", f"{folder}/conf/fwknop-server.conf"],
                              capture_output=True, text=True)
        check_equal(done.returncode, 0, done.stderr)
        check_equal(stat.S_IMODE(os.stat(f"{folder}/run/fwknop").st_mode), 0o700, "mode of /run/fwknop")


def test_sysusers():
    need_tools("systemd-sysusers")
    need_root()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/etc")
        done = subprocess.run(["systemd-sysusers", f"--root={folder}", str(TOP / "dist/debian/latchkey-common.sysusers")],
                              capture_output=True, text=True)
        check_equal(done.returncode, 0, done.stderr)
        with open(f"{folder}/etc/passwd", encoding="utf-8") as file:
            check(re.search(r"^_latchkey:x:\d+:\d+:Latchkey sensors:/nonexistent:/usr/sbin/nologin$", file.read(), re.M), "the user")
    check("--with-sensor-user=_latchkey" in read("dist/debian/rules"), "the packages' programs know the user")


def test_init_scripts():
    for folder, name in (("knockd", "knockd"), ("fwknop", "fwknop-server")):
        path = TOP / f"dist/{folder}/init"
        check_equal(subprocess.run(["sh", "-n", path], capture_output=True, text=True).stderr, "", str(path))
        head = dict(re.findall(r"^# ([A-Z][\w-]+): +(.*)$", read(f"dist/{folder}/init").split("### END INIT INFO")[0], re.M))
        check_equal((head["Provides"], head["Default-Start"], head["Default-Stop"]), (name, "2 3 4 5", "0 1 6"), str(path))
        for need in ("$network", "$syslog", "$remote_fs"):
            check(need in head["Required-Start"], f"{path}: {need}")


if __name__ == "__main__":
    main()
