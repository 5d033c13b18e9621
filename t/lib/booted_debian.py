# SPDX-License-Identifier: GPL-2.0-or-later
"""A DebianRoot whose systemd runs as process 1, in namespaces and a control group of its own."""
import os
import pathlib
import subprocess
import time

from debian_root import DEVICES, ENVIRONMENT
from harness import LIMIT_S, Skip, wait_until
from lab import children, detach_mounts_below, _mount

# Neither the machine's settings, nor its clock, modules or kernel log are for a guest.
KEPT_FROM_IT = ",".join(f"-{name}" for name in ("sys_time", "sys_module", "sys_boot", "sys_rawio", "syslog", "audit_control"))
NODES = {**DEVICES, "console": DEVICES["null"]}
# There is no terminal, and apt is the test's alone.
MASKED = ("console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer")
# As process 1 of its namespace, in a mount namespace of its own: its tree, with the file systems that systemd wants to find.
BOOT = """set -e
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
if [ -e proc/sysrq-trigger ]; then mount --bind /dev/null proc/sysrq-trigger; fi
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
{nodes}
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . mnt
cd /
umount -l mnt
exec env -i container=latchkey-test PATH="$PATH" setpriv --bounding-set={bounding} \\
  /lib/systemd/systemd --system --unit=multi-user.target
"""


def _own_group(folder):
    """A new control group below ours, in a mount of its own of the unified hierarchy; its folder."""
    folder.mkdir()
    try:
        _mount("cgroup2", folder, "cgroup2")
    except OSError as error:
        raise Skip(f"no unified control groups: {error}") from None
    with open("/proc/self/cgroup", encoding="ascii") as file:
        ours = next(line.strip()[4:] for line in file if line.startswith("0::/"))
    group = folder / ours / f"latchkey-test-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    return group


def _remove_group(group):
    """What runs in it ends; its folders go from the leaves on."""
    (group / "cgroup.kill").write_text("1")
    wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(), what="the end of the guest's processes")
    for folder, _, _ in os.walk(group, topdown=False):
        os.rmdir(folder)


class BootedDebian:
    """`with BootedDebian(root, host) as system:` boots `root` (a DebianRoot that has systemd) in the network of `host`."""

    def __init__(self, root, host):
        self.root, self.host, self.first = root, host, None
        self.hierarchy = pathlib.Path(f"{root.path}.cgroup")

    def __enter__(self):
        self.group = _own_group(self.hierarchy)
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, failure=None, *_):
        if failure and self.first and self.starter.alive():
            print("--- end of the journal\n" + "\n".join(self.journal().splitlines()[-80:]))
        _remove_group(self.group)
        detach_mounts_below(self.hierarchy.parent)

    def _boot(self):
        script = BOOT.format(nodes="\n".join(f"mknod -m 666 dev/{name} c {major} {minor}" for name, (major, minor) in NODES.items()),
                             bounding=KEPT_FROM_IT)
        for unit in MASKED:
            self.root.at(f"/etc/systemd/system/{unit}").symlink_to("/dev/null")
        self.root.at("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
        self.starter = self.host.spawn(
            "sh", "-c", 'echo $$ >"$1/cgroup.procs" && exec unshare --mount --propagation private --pid --ipc --uts --cgroup --fork '
            '--kill-child sh -c "$2" sh "$3"', "sh", self.group, script, self.root.path, wrap=False)
        self.first = wait_until(lambda: self._must_live() and children(self.starter.pid), what="process 1")[0]
        seen = wait_until(self._state, LIMIT_S * 3, what="systemd says how it is")
        if seen != "running":
            raise AssertionError(f"systemd: {seen}\n{self.starter.text()}\n{self.run('systemctl', '--failed', check=False).stdout}")

    def _must_live(self):
        if not self.starter.alive():
            raise Skip(f"systemd does not boot here: {self.starter.text()[-400:]}")
        return True

    def _state(self):
        self._must_live()
        said = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return said if said in ("running", "degraded", "maintenance") else None

    def at(self, path):
        """Where `path` of the running system stands for us."""
        return pathlib.Path(f"/proc/{self.first}/root") / path.lstrip("/")

    def run(self, *argv, check=True, limit_s=300, environment=None, **how):
        """Runs a program in the running system to its end."""
        command = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--net", "--root", "--wdns=/",
                   "--", *map(str, argv)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=limit_s,
                              env={**ENVIRONMENT, **(environment or {})}, **how)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def systemctl(self, *words, **how):
        return self.run("systemctl", *words, **how)

    def property(self, unit, name):
        """What `systemctl show` says, say of MainPID."""
        return self.systemctl("show", "--value", "-p", name, unit).stdout.strip()

    def journal(self, unit=None):
        """The messages of a unit, or all."""
        return self.run("journalctl", "-q", "--no-pager", "-o", "cat", *(["-u", unit] if unit else []), check=False).stdout
