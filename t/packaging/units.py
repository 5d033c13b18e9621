# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd units: well-formed, confined as far as promised, and the daemons work within what they leave."""
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, check, check_equal, main, need_tools, program, wait_until
from lab import Lab
from tree import TOP, read

UNITS = {"knockd.service": "knockd", "fwknop-server.service": "fwknop"}
KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
# Exposure by `systemd-analyze security`: what the commands of the configurations need counts; the drop-ins allow less.
EXPOSURE = {"knockd.service": 8.9, "fwknop-server.service": 8.9}
STRICT_EXPOSURE = 2.7


def strict_drop_in(unit):
    return f"dist/{UNITS[unit]}/{unit.removesuffix('.service')}-strict.conf"


def unit_root(lab, unit, strict):
    """A root directory that has the unit, with programs that exist, and the drop-in when `strict`."""
    folder = lab.dir / f"root{strict}" / "etc/systemd/system"
    text = (TOP / "dist" / UNITS[unit] / f"{unit}.in").read_text()
    for name, value in (("sbindir", f"{BUILD}/{program_of(unit)}"), ("sysconfdir", "/etc"), ("runstatedir", "/run")):
        text = text.replace(f"@{name}@", value)
    check("@" not in text, f"{unit}: a name is not replaced")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / unit).write_text(text)
    if strict:
        (folder / f"{unit}.d").mkdir()
        (folder / f"{unit}.d/strict.conf").write_text(read(strict_drop_in(unit)))
    return folder


def program_of(unit):
    return {"knockd.service": "knockd", "fwknop-server.service": "fwknopd"}[unit]


def exposure(folder, unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--root={folder.parents[2]}", "--no-pager", unit],
                          capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    check(found, done.stdout + done.stderr)
    return float(found.group(1))


def test_verified_and_confined(lab):
    need_tools("systemd-analyze")
    for unit, limit in EXPOSURE.items():
        for strict, wanted in ((False, limit), (True, STRICT_EXPOSURE)):
            folder = unit_root(lab, unit, strict)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"./{unit}"], cwd=folder, capture_output=True, text=True)
            complaints = [line for line in done.stderr.splitlines() if unit in line or "strict.conf" in line]
            check_equal((done.returncode, complaints), (0, []), f"verify {unit}, strict: {strict}")
            seen = exposure(folder, unit)
            print(f"  {unit}{' with the strict drop-in' if strict else ''}: {seen}")
            check(seen <= wanted, f"{unit}, strict: {strict}: exposure {seen}, at most {wanted}")


def test_what_scripts_and_drop_ins_rely_on():
    for unit, folder in UNITS.items():
        text = read(f"dist/{folder}/{unit}.in")
        for line in (f"EnvironmentFile=-@sysconfdir@/default/{unit.removesuffix('.service')}", "Type=notify", "NotifyAccess=all",
                     "ExecReload=/bin/kill -HUP $MAINPID", "KillMode=mixed", "WantedBy=multi-user.target"):
            check(f"\n{line}\n" in text, f"{unit}: {line}")
        check("CapabilityBoundingSet" not in text, f"{unit}: commands need what root has; the drop-in is for who runs none")


def bounded(unit):
    """The command words that leave a program no more capabilities than the unit and its strict drop-in do."""
    names = re.findall("CapabilityBoundingSet=(CAP.*)", read(strict_drop_in(unit)))[0].lower().replace("cap_", "+").split()
    return ["setpriv", "--no-new-privs", "--bounding-set", "-all," + ",".join(names)]


def test_knockd_within_the_strict_capabilities(lab):
    need_tools("setpriv")
    conf = lab.write("knockd.conf", "[A]\nsequence=7000,8000\ntcpflags=syn\nseq_timeout=20\n"
                     "start_command=iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\ncmd_timeout=1\n"
                     "stop_command=iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\n")
    daemon = lab.gateway.spawn(*bounded("knockd.service"), program("knockd"), "-c", conf, "-i", lab.gateway.interface, "-v", wrap=False)
    daemon.wait_for_line("listening on")
    lab.client.run(program("knock"), lab.gateway.address, "7000", "8000")
    rule = f"-A INPUT -s {lab.client.address}/32 .*--dport 22 -j ACCEPT"
    daemon.wait_for_line("OPEN SESAME")
    lab.gateway.wait_for_rule(rule)
    lab.gateway.wait_for_rule(rule, present=False)
    check("warning" not in daemon.text(), daemon.text())
    check_equal(daemon.stop(), 15, "status after TERM: SuccessExitStatus names it")


def test_fwknopd_within_the_strict_capabilities(lab):
    need_tools("setpriv")
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {lab.dir}/run;\n")
    access = lab.write("access.conf", f"SOURCE ANY\nKEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\nFW_ACCESS_TIMEOUT 1\n")
    daemon = lab.gateway.spawn(*bounded("fwknop-server.service"), program("fwknopd"), "-f", "-c", conf, "-a", access, wrap=False)
    daemon.wait_for_line("main event loop")
    lab.client.run(program("fwknop"), "-A", "tcp/22", "-a", lab.client.address, "-D", lab.gateway.address, "--use-hmac",
                   "--key-base64-rijndael", KEY, "--key-base64-hmac", HMAC_KEY, "--no-save-args", "--rc-file", "/dev/null")
    daemon.wait_for_line("Added access rule")
    daemon.wait_for_line("Removed rule")
    check_equal(daemon.stop(), 0)


def notifications(lab, *argv):
    """Runs a daemon that goes to the background with a notify socket: the first message, once its starter has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(lab.dir / "notify"))
        server.settimeout(20)
        lab.gateway.run(*argv, env={**os.environ, "NOTIFY_SOCKET": str(lab.dir / "notify")})
        # The message is there when the starter ends: systemd takes it before it sees that end.
        server.setblocking(False)
        return server.recv(1000).decode()


def test_a_daemon_in_the_background_is_the_main_process(lab):
    conf = lab.write("knockd.conf", "[A]\nsequence=7000\ncommand=true\n")
    text = notifications(lab, program("knockd"), "-d", "-c", conf, "-i", lab.gateway.interface, "-p", lab.dir / "pid")
    check_equal(text, f"READY=1\nMAINPID={(lab.dir / 'pid').read_text().strip()}")


def test_fwknopd_in_the_background_is_the_main_process(lab):
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {lab.dir}/run;\n")
    access = lab.write("access.conf", f"SOURCE ANY\nKEY_BASE64 {KEY}\n")
    text = notifications(lab, program("fwknopd"), "-c", conf, "-a", access)
    check_equal(text, f"READY=1\nMAINPID={(lab.dir / 'run/fwknopd.pid').read_text().strip()}")


def test_a_service_logs_each_line_once(lab):
    """Under systemd standard error is the journal, which takes what syslog gets, too."""
    log = lab.syslog()
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {lab.dir}/run;\n")
    access = lab.write("access.conf", f"SOURCE ANY\nKEY_BASE64 {KEY}\n")
    journal = lab.write("journal", "")
    status = os.stat(journal)
    with open(journal, "wb") as errors:
        daemon = lab.gateway.spawn("sh", "-c", f"exec 2>{journal} {program('fwknopd')} --foreground --syslog-enable -c {conf} -a {access}",
                                   env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, stderr=errors, wrap=False)
        log.wait_for_line("Starting fwknopd main event loop")
        wait_until(lambda: (lab.dir / "run/fwknopd.pid").exists(), what="pid file")
        check_equal(daemon.stop(), 0)
    check("event loop" not in journal.read_text(), journal.read_text())


if __name__ == "__main__":
    main(Lab)
