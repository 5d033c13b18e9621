# SPDX-License-Identifier: GPL-2.0-or-later
"""A bare Debian 12 in a folder, for tests that install packages: made by debootstrap, entered by chroot."""
import ctypes
import fcntl
import glob
import os
import pathlib
import shutil
import stat
import subprocess

from harness import BUILD, SOURCE, Skip, check_equal, need_root, need_tools
from keeper import Keeper
from lab import _mount
from output import libc

CACHE = os.path.join(BUILD, "t", "bare-debian")  # $LATCHKEY_BARE_ROOT names another one
MS_REC = 16384
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C",
               "TZ": "UTC", "TERM": "dumb"}
OUR_PACKAGES = ("latchkey-common", "latchkey-knockd", "latchkey-fwknop-server", "latchkey-fwknop-client")
RUNTIME = ("iproute2", "iptables", "procps", "libfmt9", "libseccomp2", "libcap-ng0", "libiniparser1", "libcurl3-gnutls",
           "libgpgme11", "libgcrypt20", "libpcap0.8")  # what they need, and what tests look with


def need_long():
    """For tests that fetch a Debian and build packages."""
    if not os.environ.get("LATCHKEY_LONG"):
        raise Skip("a long test: set LATCHKEY_LONG=1, or run tools/check --long")
    need_root()
    need_tools("dpkg", "chroot")


def built_packages(folder):
    """Paths of our packages: those of $LATCHKEY_DEBS, or built now."""
    debs = os.environ.get("LATCHKEY_DEBS")
    if not debs:
        need_tools("dpkg-buildpackage", "dh")
        if subprocess.run(["dpkg-checkbuilddeps", f"{SOURCE}/dist/debian/control"], env={**os.environ, "DEB_BUILD_PROFILES": "nocheck"},
                          capture_output=True).returncode != 0:
            raise Skip("build dependencies of the packages are missing")
        debs = folder / "debs"
        done = subprocess.run(["sh", f"{SOURCE}/tools/deb", debs], capture_output=True, text=True,
                              env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck noautodbgsym parallel=2", "DEB_BUILD_PROFILES": "nocheck"})
        check_equal(done.returncode, 0, "tools/deb\n" + done.stdout[-2000:] + done.stderr[-2000:])
    return [one for name in OUR_PACKAGES for one in glob.glob(f"{debs}/{name}_*.deb")]


def _bare():
    cache = os.environ.get("LATCHKEY_BARE_ROOT", CACHE)
    with open(cache + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
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
    """A copy of the bare system (or of the one in `base`) in `path`, with the package sources of this machine."""

    def __init__(self, path, base=None):
        self.path = pathlib.Path(path)
        subprocess.run(["cp", "-a", "--one-file-system", base or _bare(), self.path], check=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(os.path.realpath(f"/etc/{name}"), self.path / "etc" / name)
        self.at("/etc/apt/sources.list").unlink(missing_ok=True)
        for source in glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*") + glob.glob("/etc/apt/apt.conf.d/*"):
            shutil.copy(source, self.at(source))
        libc.unshare(0x00020000)  # CLONE_NEWNS: its mounts end with the test
        libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | 1 << 18), None)
        # Processes of its own: no init script finds a daemon of the machine.
        self.keeper = Keeper('mount -t proc proc "$1"', self.at("/proc"))
        self.enter = ["nsenter", f"--pid=/proc/{self.keeper.pid}/ns/pid", "chroot", str(self.path)]
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
