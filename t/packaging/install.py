# SPDX-License-Identifier: GPL-2.0-or-later
"""`make install` and `make uninstall`: where files go, what stays."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, check, check_equal, main, makefile_value, need_tools
from tree import read

PLACES = {"prefix": "/p", "exec_prefix": "/p", "sysconfdir": "/conf", "localstatedir": "/state", "runstatedir": "/running"}


class Target:
    """A DESTDIR for the time of a test."""

    def __enter__(self):
        need_tools("make")
        if not os.path.exists(os.path.join(BUILD, "Makefile")):
            raise Skip("no build tree")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-install."))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def make(self, goal, **variables):
        words = [f"{name}={value}" for name, value in variables.items()]
        done = subprocess.run(["make", "-s", "-C", BUILD, goal, f"DESTDIR={self.path}", *words], capture_output=True, text=True,
                              env={k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"})
        check_equal(done.returncode, 0, f"make {goal}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def files(self):
        return sorted("/" + str(p.relative_to(self.path)) for p in self.path.rglob("*") if not p.is_dir())


def test_everything_goes_where_configure_was_told():
    with Target() as target:
        target.make("install", **PLACES)
        files = target.files()
        check(all(re.match("/(p|conf)/", one) for one in files), f"outside: {[f for f in files if not re.match('/(p|conf)/', f)]}")
        for one in ("/p/sbin/knockd", "/p/sbin/fwknopd", "/p/bin/knock", "/p/bin/fwknop", "/p/lib/systemd/system/knockd.service",
                    "/p/lib/systemd/system/fwknop-server.service", "/conf/knockd.conf", "/conf/fwknop/fwknopd.conf",
                    "/conf/fwknop/access.conf", "/conf/default/knockd", "/conf/default/fwknop-server",
                    "/p/share/bash-completion/completions/knockd", "/p/share/man/man1/knockd.1"):
            check(one in files, f"{one} is not installed")
        target.make("uninstall", **PLACES)
        check_equal(target.files(), [], "left by make uninstall")


def test_no_file_of_another_package():
    """With Debian's places, nothing is written over but what knockd and fwknop have there."""
    need_tools("dpkg-query")
    with Target() as target:
        target.make("install", prefix="/usr", exec_prefix="/usr", sysconfdir="/etc")
        # Debian compresses pages: /usr/share/man/man5/x.5 would stand beside x.5.gz, and hide it.
        paths = [p for one in target.files() for p in (one, one + ".gz", one.removeprefix("/usr"))]
        owners = subprocess.run(["dpkg-query", "-S", *paths], text=True, capture_output=True).stdout.splitlines()
        others = [line for line in owners if not re.match(r"(latchkey-[\w-]+|knockd|fwknop-server|fwknop-client): ", line)]
        check_equal(others, [], "files of other packages")


def test_configurations_are_the_administrators():
    with Target() as target:
        conf = target.path / "conf/knockd.conf"
        conf.parent.mkdir()
        conf.write_text("mine")
        target.make("install", **PLACES)
        check_equal(conf.read_text(), "mine", "make install")
        with open(target.path / "conf/fwknop/access.conf", "a", encoding="utf-8") as file:
            file.write("# mine, too\n")
        target.make("uninstall", **PLACES)
        check_equal(target.files(), ["/conf/fwknop/access.conf", "/conf/knockd.conf"], "left by make uninstall")


def test_generated_files_name_the_configured_folders():
    # `make check` wants its own makes to tell which folder they enter.
    command = ["make", "-s", "--no-print-directory", "-C", BUILD, "-f", "-", "show"]
    sysconfdir, sbindir = (subprocess.run(command, input=f"include Makefile\nshow: ; @echo $({name})\n", text=True,
                                          capture_output=True).stdout.strip() for name in ("sysconfdir", "sbindir"))
    check(makefile_value("sysconfdir"), "sysconfdir in the Makefile")
    for path, wanted in (("dist/knockd/knockd.service", f"ExecStart={sbindir}/knockd $KNOCKD_OPTS"),
                         ("dist/knockd/knockd.service", f"EnvironmentFile=-{sysconfdir}/default/knockd"),
                         ("dist/fwknop/fwknop-server.service", f"ExecStart={sbindir}/fwknopd "),
                         ("dist/fwknop/fwknopd.conf", f"{sysconfdir}/fwknop/access.conf;")):
        text = pathlib.Path(BUILD, path).read_text(encoding="utf-8")
        check(wanted in text, f"{path}: {wanted}")


# What recipes, Ansible roles and tutorials do to the files of the packages.
EDITS = (
    ("dist/knockd/default", "s/^START_KNOCKD=0/START_KNOCKD=1/", "START_KNOCKD=1"),
    ("dist/knockd/default", 's/^#KNOCKD_OPTS="-i eth1"/KNOCKD_OPTS="-i ens3"/', 'KNOCKD_OPTS="-i ens3"'),
    ("dist/knockd/knockd.conf", "s/7000,8000,9000/7100,8200,9300/", "7100,8200,9300"),
    ("dist/knockd/knockd.conf", "s/9000,8000,7000/9300,8200,7100/", "9300,8200,7100"),
    ("dist/knockd/knockd.conf", r"s/iptables -A INPUT -s %IP% -p tcp --dport 22/iptables -I INPUT -s %IP% -p tcp --dport 22/", "iptables -I INPUT"),
    ("dist/knockd/knockd.conf", "s/UseSyslog/logfile = \\/var\\/log\\/knockd.log/", "logfile = /var/log/knockd.log"),
    ("dist/fwknop/default", 's/^START_DAEMON="no"/START_DAEMON="yes"/', 'START_DAEMON="yes"'),
    ("dist/fwknop/default", 's/^DAEMON_ARGS=""/DAEMON_ARGS="-v"/', 'DAEMON_ARGS="-v"'),
    ("dist/fwknop/access.conf", "s/^KEY_BASE64.*__CHANGEME__/KEY_BASE64 abc=/", "KEY_BASE64 abc="),
    ("dist/fwknop/access.conf", "s/^HMAC_KEY_BASE64.*__CHANGEME__/HMAC_KEY_BASE64 abc=/", "HMAC_KEY_BASE64 abc="),
    ("dist/fwknop/fwknopd.conf.in", "s/^#PCAP_INTF.*/PCAP_INTF ens3;/", "PCAP_INTF ens3;"),
    ("dist/fwknop/fwknopd.conf.in", "s/^#MAX_SPA_PACKET_AGE.*/MAX_SPA_PACKET_AGE 60;/", "MAX_SPA_PACKET_AGE 60;"),
    ("dist/fwknop/fwknopd.conf.in", "s/^#ENABLE_IPT_FORWARDING.*/ENABLE_IPT_FORWARDING Y;/", "ENABLE_IPT_FORWARDING Y;"),
)


def test_samples_carry_the_lines_that_are_edited():
    for path, edit, wanted in EDITS:
        done = subprocess.run(["sed", edit], input=read(path), text=True, capture_output=True)
        check(wanted in done.stdout and wanted not in read(path), f"{path}: sed '{edit}'")


if __name__ == "__main__":
    main()
