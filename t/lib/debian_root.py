# SPDX-License-Identifier: GPL-2.0-or-later
"""A bare Debian 12 in a folder, for tests that install packages: made by debootstrap, entered by chroot."""
import ctypes
import glob
import os
import pathlib
import shutil
import stat
import subprocess

from harness import BUILD, Skip, need_tools
from lab import _mount
from output import libc

CACHE = os.path.join(BUILD, "t", "bare-debian")  # $LATCHKEY_BARE_ROOT names another one
MS_REC = 16384
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C",
               "TZ": "UTC", "TERM": "dumb"}


def _bare():
    cache = os.environ.get("LATCHKEY_BARE_ROOT", CACHE)
    if not os.path.exists(os.path.join(cache, "etc/debian_version")):
        need_tools("debootstrap")
        made = cache + ".new"
        shutil.rmtree(made, ignore_errors=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", made], capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"no bare Debian (no network?): {done.stdout[-300:]}{done.stderr[-300:]}")
        os.rename(made, cache)
    return cache


class DebianRoot:
    """A copy of the bare system in `path`, with the package sources of this machine."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        subprocess.run(["cp", "-a", _bare(), self.path], check=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(os.path.realpath(f"/etc/{name}"), self.path / "etc" / name)
        self.at("/etc/apt/sources.list").unlink(missing_ok=True)
        for source in glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*") + glob.glob("/etc/apt/apt.conf.d/*"):
            shutil.copy(source, self.at(source))
        libc.unshare(0x00020000)  # CLONE_NEWNS: its mounts end with the test
        libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | 1 << 18), None)
        # Processes of its own: no init script finds a daemon of the machine.
        self.keeper = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", 'mount -t proc proc "$1" || exit 1; echo; '
                                        "while :; do sleep 1 & wait; done", "sh", self.at("/proc")], stdout=subprocess.PIPE)
        self.keeper.stdout.readline()
        first = open(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children", encoding="ascii").read().split()[0]
        self.enter = ["nsenter", f"--pid=/proc/{first}/ns/pid", "chroot", str(self.path)]
        _mount("sysfs", self.at("/sys"), "sysfs")
        self._make_devices()

    def _make_devices(self):
        """Its own, never this machine's: the lab deletes its folder while they are still mounted there."""
        dev = self.at("/dev")
        _mount("tmpfs", dev, "tmpfs")
        for name, (major, minor) in DEVICES.items():
            os.mknod(dev / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            (dev / name).chmod(0o666)
        (dev / "fd").symlink_to("/proc/self/fd")

    def at(self, path):
        """Where `path` of the system stands for us."""
        return self.path / path.lstrip("/")

    def run(self, *argv, host=None, check=True, limit_s=300, environment=None, **how):
        """Runs a program of the system to its end, in the network of `host` (a Namespace) or in ours."""
        command = [*self.enter, *map(str, argv)]
        how = {"env": {**ENVIRONMENT, **(environment or {})}, **how}
        if host:
            return host.run(*command, check=check, limit_s=limit_s, **how)
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=limit_s, **how)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def fetch(self, *packages):
        """Packages and all they need are in apt's archive afterwards; Skip where they cannot be had."""
        self.run("apt-get", "-q", "update", check=False)
        done = self.run("apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "install", *packages, check=False)
        if done.returncode != 0:
            raise Skip(f"the packages cannot be fetched: {done.stderr[-400:]}")
