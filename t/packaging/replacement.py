# SPDX-License-Identifier: GPL-2.0-or-later
"""Our Debian packages in place of Debian's, on a bare Debian 12 that runs both daemons, and back again.

Runs with $LATCHKEY_LONG only (tools/check --long): it fetches a Debian and builds the packages; $LATCHKEY_DEBS names a
folder with packages that are built already. The daemons are run by their init scripts, since no systemd runs there as
process 1; whether their units are enabled is asked of `systemctl --root`.
"""
import glob
import hashlib
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from debian_root import OUR_PACKAGES, RUNTIME, DebianRoot, built_packages, need_long
from harness import check, check_equal, main, wait_until
from lab import Lab

PEERS = ("knockd", "fwknop-server", "fwknop-client")
OURS = OUR_PACKAGES
OLD = (*PEERS, "latchkey-common")  # after a roll-back: it conflicts with nothing, and was asked for by name
NEEDED = ("systemd", *RUNTIME)
KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
UNITS = ("knockd.service", "fwknop-server.service")
PID_FILES = {"knockd": "/run/knockd.pid", "fwknopd": "/run/fwknop/fwknopd.pid"}

KNOCKD_CONF = """[options]
\tUseSyslog
[openSSH]
\tsequence    = 7100,8200:tcp,9300
\tseq_timeout = 15
\tcommand     = /sbin/iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
\ttcpflags    = syn
[closeSSH]
\tsequence    = 9300,8200,7100
\tseq_timeout = 15
\tcommand     = /sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
\ttcpflags    = syn
"""
FILES = {
    "/etc/knockd.conf": KNOCKD_CONF,
    "/etc/default/knockd": 'START_KNOCKD=1\nKNOCKD_OPTS="-i {interface}"\n',
    "/etc/default/fwknop-server": 'START_DAEMON="yes"\nDAEMON_ARGS=""\n',
    "/etc/fwknop/fwknopd.conf": "PCAP_INTF {interface};\nMAX_SPA_PACKET_AGE 300;\n",
    "/etc/fwknop/access.conf": "%include /etc/fwknop/people.conf\n",
    "/etc/fwknop/people.conf": f"SOURCE ANY\nKEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\nOPEN_PORTS tcp/2222\n"
                               "FW_ACCESS_TIMEOUT 4\n",
    "/root/.fwknoprc": "[default]\nFW_TIMEOUT 5\n[gateway]\nSPA_SERVER {gateway}\nACCESS tcp/2222\nALLOW_IP {client}\n"
                       f"KEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\nUSE_HMAC Y\n",
}
KEPT = (*FILES, "/etc/init.d/knockd", "/etc/init.d/fwknop-server")


class Machine:
    """The Debian system on the lab's gateway; its client programs are also run on the lab's client."""

    def __init__(self, lab):
        self.lab, self.steps, self.started, self.seen, self.listeners = lab, 0, "", set(), []
        packages = built_packages(lab.dir)
        check_equal(len(packages), len(OURS), "packages of ours")
        self.root = DebianRoot(lab.dir / "debian")
        self.root.fetch(*PEERS, *NEEDED)
        self.debs = [f"/var/tmp/{os.path.basename(deb)}" for deb in packages]
        for deb in packages:
            shutil.copy(deb, self.root.at("/var/tmp"))
        self.apt("install", *NEEDED)
        # Without an init as process 1 the packages' scripts start and stop daemons only where a policy says so.
        self.root.at("/usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 0\n")
        self.root.at("/usr/sbin/policy-rc.d").chmod(0o755)

    def log(self, text):
        self.steps += 1
        print(f"  {self.steps:2}. {text}", flush=True)

    def run(self, *argv, **how):
        return self.root.run(*argv, host=self.lab.gateway, **how)

    def apt(self, *words, **how):
        """Without a network and without anybody to answer: what asks, fails."""
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *words,
                        environment={"DEBIAN_FRONTEND": "noninteractive"}, **how).stdout

    def configure(self):
        values = {"interface": self.lab.gateway.interface, "gateway": self.lab.gateway.address, "client": self.lab.client.address}
        for path, text in FILES.items():
            for name, value in values.items():
                text = text.replace("{" + name + "}", value)
            self.root.at(path).write_text(text)
            self.root.at(path).chmod(0o600 if "fwknop/" in path or "rc" in path else 0o644)
        # A comment of the administrator's own in a script, too.
        with open(self.root.at("/etc/init.d/knockd"), "a", encoding="utf-8") as script:
            script.write("# local change\n")

    def hashes(self):
        return {path: (hashlib.sha256(self.root.at(path).read_bytes()).hexdigest(), oct(self.root.at(path).stat().st_mode))
                for path in KEPT}

    def enabled(self):
        return {unit: self.run("systemctl", "--root=/", "is-enabled", unit, check=False).stdout.strip() for unit in UNITS}

    def boot_links(self):
        return sorted(os.path.basename(one) for one in glob.glob(f"{self.root.path}/etc/rc2.d/S*") if re.search("knockd|fwknop", one))

    def init(self, name, action, **how):
        done = self.run(f"/etc/init.d/{name}", action, **how)
        self.started += f"{name} {action}: {done.stdout}{done.stderr}\n"
        return done

    def daemons(self):
        """Program -> the process ids that its pid file and the kernel agree on."""
        pids = {}
        for name, path in PID_FILES.items():
            try:
                pid = int(self.root.at(path).read_text())
                if os.path.samefile(self.root.at(f"/proc/{pid}/exe"), self.root.at(f"/usr/sbin/{name}")):
                    pids[name] = pid
            except (OSError, ValueError):
                continue
        return pids

    def both_run(self):
        try:
            return wait_until(lambda: len(self.daemons()) == 2 and self.daemons(), what="both daemons run")
        except AssertionError:
            files = {path: self.root.at(path).read_text() for path in PID_FILES.values() if self.root.at(path).exists()}
            print(f"running: {self.daemons()}, pid files: {files}\n{self.started}")
            raise

    def installed(self):
        out = self.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n").stdout
        return sorted(line.split()[0] for line in out.splitlines() if line.endswith(" installed") and line.split()[0] in PEERS + OURS)

    def digests(self):
        return self.root.at("/run/fwknop/digest.cache").read_text().splitlines()

    def knock(self, *ports):
        self.root.run("knock", "-d", "20", self.lab.gateway.address, *ports, host=self.lab.client)

    def take_connections(self):
        """Of the probes: a full queue looks like a closed port."""
        for listener in self.listeners:
            try:
                while True:
                    listener.accept()[0].close()
            except BlockingIOError:
                continue

    def wait_for_port(self, port, wanted):
        """What probes leave in the listeners' queues is taken out meanwhile."""
        lab = self.lab

        def is_so():
            self.take_connections()
            return lab.client.probe(lab.gateway.address, port) == wanted

        wait_until(is_so, what=f"port {port} {wanted}")

    def works(self):
        """A knock opens and closes port 22; an SPA packet opens port 2222 for a while, once."""
        lab = self.lab
        check_equal(lab.client.probe(lab.gateway.address, 22), "filtered", "before the knock")
        self.knock(7100, 8200, 9300)
        self.wait_for_port(22, "open")
        self.knock(9300, 8200, 7100)
        self.wait_for_port(22, "filtered")
        before = len(self.digests()) if self.root.at("/run/fwknop/digest.cache").exists() else 0
        check_equal(lab.client.probe(lab.gateway.address, 2222), "filtered", "before the SPA packet")
        self.root.run("fwknop", "-n", "gateway", host=lab.client)
        self.wait_for_port(2222, "open")
        self.wait_for_port(2222, "filtered")
        check(len(self.digests()) > before, "the packet's digest is in the replay cache")


def is_running(machine, pid):
    try:
        return bool(os.readlink(machine.root.at(f"/proc/{pid}/exe")))
    except OSError:
        return False


def expect(machine, what, packages, hashes, cache):
    """The state after a swap: packages, files, units, daemons, replay cache."""
    check_equal(machine.installed(), sorted(packages), what)
    check_equal(machine.hashes(), hashes, f"{what}: files of the administrator")
    check_equal(machine.enabled(), dict.fromkeys(UNITS, "enabled"), f"{what}: units")
    check_equal(machine.boot_links(), ["S01fwknop-server", "S01knockd"], f"{what}: init links")
    pids = machine.both_run()
    check_equal([pid for pid in machine.seen if is_running(machine, pid) and pid not in pids.values()], [], f"{what}: daemons that were replaced")
    machine.seen.update(pids.values())
    check_equal(machine.digests()[:len(cache)], cache, f"{what}: replay cache")
    machine.works()
    machine.log(f"{what}: {', '.join(machine.installed())}; {len(hashes)} files unchanged; units enabled; "
                f"running {pids}; knock and SPA work; {len(machine.digests())} digests")
    return pids


def test_replacement(lab):
    need_long()
    lab.syslog()  # shown when the test fails
    machine = Machine(lab)
    lab.gateway.iptables("-P", "INPUT", "DROP")
    lab.gateway.iptables("-A", "INPUT", "-i", "lo", "-j", "ACCEPT")
    for port in (22, 2222):
        machine.listeners.append(lab.gateway.listen(port))
        machine.listeners[-1].setblocking(False)

    machine.apt("install", *PEERS)
    machine.configure()
    machine.run("systemctl", "--root=/", "enable", *UNITS)
    for name in ("knockd", "fwknop-server"):
        machine.init(name, "start")
    hashes = machine.hashes()
    pids = expect(machine, "Debian's packages", PEERS, hashes, [])

    cache = machine.digests()
    machine.apt("install", *machine.debs)
    ours = expect(machine, "ours by apt", OURS, hashes, cache)
    check(set(ours.values()).isdisjoint(pids.values()), "the daemons were restarted")

    cache = machine.digests()
    machine.apt("install", "--reinstall", *machine.debs)
    expect(machine, "ours again", OURS, hashes, cache)

    cache = machine.digests()
    machine.apt("install", *PEERS)
    machine.init("knockd", "start")  # Debian's package starts and stops nothing
    expect(machine, "back to Debian's", OLD, hashes, cache)

    # Without a frontend that answers, and without apt, which removes what conflicts beforehand.
    cache = machine.digests()
    out = machine.run("dpkg", "--auto-deconfigure", "-i", *machine.debs)
    check("onfiguration file" not in out.stdout, out.stdout)
    expect(machine, "ours by dpkg", OURS, hashes, cache)

    cache = machine.digests()
    archives = glob.glob(f"{machine.root.path}/var/cache/apt/archives/*.deb")
    peers = [f"/var/cache/apt/archives/{os.path.basename(p)}" for p in archives if re.match(r"(knockd|fwknop-\w+)_", os.path.basename(p))]
    machine.run("dpkg", "--remove", *OURS[1:])  # Debian's packages replace nothing, so dpkg wants the place to be free
    machine.run("dpkg", "-i", *peers)
    machine.init("knockd", "start")
    expect(machine, "back by dpkg", OLD, hashes, cache)

    cache = machine.digests()
    machine.apt("purge", "latchkey-*")
    expect(machine, "what was left of ours purged", PEERS, hashes, cache)

    # The old packages are purged: what they leave to us stays.
    machine.apt("install", *machine.debs)
    cache = machine.digests()
    machine.run("dpkg", "--purge", *PEERS)
    left = machine.hashes()
    for script in ("/etc/init.d/knockd", "/etc/init.d/fwknop-server"):
        check(os.access(machine.root.at(script), os.X_OK), f"{script} after the purge")
        left[script] = hashes[script]  # ours now: the old package's own was purged
    check_equal(left, hashes, "files after the purge of the old packages")
    for name in ("knockd", "fwknop-server"):
        check_equal(machine.init(name, "status", check=False).returncode, 0, f"{name} status")
        machine.init(name, "restart")
    expect(machine, "the old ones purged", OURS, machine.hashes(), cache)
    for name in ("knockd", "fwknop-server"):
        machine.init(name, "stop")
        wait_until(lambda: machine.init(name, "status", check=False).returncode != 0, what=f"{name} stopped")

    machine.apt("purge", *OURS)
    left = [path for path in KEPT if path not in ("/root/.fwknoprc", "/etc/fwknop/people.conf") and machine.root.at(path).exists()]
    check_equal(left, [], "files after the purge of ours")
    check_equal(machine.boot_links(), [], "init links after the purge of ours")
    machine.log("ours purged: no file of theirs left")


if __name__ == "__main__":
    main(Lab)
