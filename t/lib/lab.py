# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of its own for a script test: namespaces joined by veth pairs, programs inside them, their output.

    def test_rule_appears(lab):
        lab.gateway.iptables("-P", "INPUT", "DROP")
        daemon = lab.gateway.spawn(program("knockd"), "-c", conf, "-v")
        daemon.wait_for_line("listening on")
        lab.client.run(program("knock"), lab.gateway.address, "7000")
        lab.gateway.wait_for_rule("-s 10.9.0.2/32 .* ACCEPT")

    if __name__ == "__main__":
        main(Lab)

Nothing has a name outside the test's process: a namespace is a descriptor, mounts are made in a private mount
namespace, so all of it ends with the process, however that ends. /run is empty and private.
"""
import atexit
import ctypes
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from harness import LIMIT_S, SCALE, Skip, find_line, need_root, need_tools, wait_until
from output import PR_SET_PDEATHSIG, Process, Syslog, libc
from packets import Capture

CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_CHILD_SUBREAPER = 36


def _check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source, target, kind=None, flags=0):
    coded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _check(libc.mount(*coded, ctypes.c_ulong(flags), None), f"mount {target}")


def detach_mounts_below(folder):
    """To delete a folder is not to delete what a test has mounted there, which may be the machine's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    for point in reversed(points):
        if point.startswith(f"{folder}/"):
            _check(libc.umount2(os.fsencode(point), 2), f"umount {point}")


def _enter_private_copy_of_root():
    """In a chroot, "/" is no mount point to make private: /proc is one, so a copy of the tree goes below it."""
    here, copy = os.getcwd(), "/proc/fs"
    _mount("none", "/proc", flags=MS_REC | MS_PRIVATE)
    _mount("/", copy, flags=MS_BIND | MS_REC)
    _mount("none", copy, flags=MS_REC | MS_PRIVATE)
    os.chroot(copy)
    os.chdir(here)


class Namespace:
    """A host of the lab. `address`, `address6`, `interface` are those of its first link."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.address = self.address6 = self.interface = None
        with _own_network():
            _check(libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        # Without duplicate address detection IPv6 works from the first packet.
        self.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; ip link set lo up")

    def __enter__(self):
        """`with namespace:` makes sockets opened inside belong to it."""
        self.outside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(libc.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_):
        _check(libc.setns(self.outside, CLONE_NEWNET), "setns")
        os.close(self.outside)

    def _enter_child(self):
        libc.setns(self.fd, CLONE_NEWNET)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def run(self, *argv, check=True, limit_s=None, **how):
        """Runs to the end; a CompletedProcess with text stdout and stderr. `check`: a failure is an AssertionError."""
        how = {"stdin": None if "input" in how else subprocess.DEVNULL, "errors": "replace", **how}
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, preexec_fn=self._enter_child,
                              timeout=LIMIT_S if limit_s is None else limit_s * SCALE, **how)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, *argv, wrap=True, **how):
        """Starts a program that goes on running: a Process. $WRAP (Valgrind) stands before it unless wrap is False."""
        argv = (shlex.split(os.environ.get("WRAP", "")) if wrap else []) + [str(a) for a in argv]
        path = self.lab.dir / f"output.{len(self.lab.outputs)}.{os.path.basename(argv[0])}"
        process = Process(argv, path, preexec_fn=self._enter_child, **how)
        self.lab.outputs.append(process)
        return process

    def iptables(self, *args, program="iptables"):
        return self.run(program, "-w", *args).stdout

    def rules(self, table="filter", program="iptables"):
        """The lines of `iptables -S`."""
        return self.iptables("-t", table, "-S", program=program).splitlines()

    def wait_for_rule(self, pattern, present=True, limit_s=None, **where):
        """Waits until a rule matches the regular expression, or, with present=False, until none does."""
        return wait_until(lambda: (find_line(self.rules(**where), pattern)[0] is not None) == present, limit_s,
                          f"rule /{pattern}/ {'there' if present else 'gone'} in {self.name}")

    def listen(self, port, address=None):
        """A TCP listener; the kernel completes connections. Closed with the lab."""
        with self:
            family = socket.AF_INET6 if address and ":" in address else socket.AF_INET
            listener = socket.create_server((address or "", port), family=family, backlog=512)
        self.lab.sockets.append(listener)
        return listener

    def probe(self, address, port, limit_s=0.3):
        """Tries a TCP connection: "open", "refused", or "filtered" (no answer in time, or an ICMP error)."""
        with self:
            probe = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        with probe:
            probe.settimeout(limit_s * SCALE)
            try:
                probe.connect((address, port))
                return "open"
            except ConnectionRefusedError:
                return "refused"
            except OSError:
                return "filtered"

    def wait_for_port(self, address, port, wanted="open", limit_s=None):
        wait_until(lambda: self.probe(address, port) == wanted, limit_s, f"{address} port {port} {wanted}")

    def send_udp(self, address, port, payload, source_port=0):
        with self:
            sender = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            if source_port:
                sender.bind(("", source_port))
            sender.sendto(payload, (address, port))

    def capture(self, interface=None):
        """Every packet that passes the interface from now on, both directions (packets.Capture)."""
        with self:
            capture = Capture(interface or self.interface)
        self.lab.sockets.append(capture)
        return capture


class _own_network:
    """Comes back to the present network namespace at the end of a with block."""

    def __enter__(self):
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __exit__(self, *_):
        _check(libc.setns(self.fd, CLONE_NEWNET), "setns")
        os.close(self.fd)


class Lab:
    """`client` (10.9.0.2, fd00:9::2) and `gateway` (10.9.0.1, fd00:9::1), joined; `dir` is an empty directory."""

    is_private = False

    def __init__(self):
        need_root()
        need_tools("ip", "iptables")
        self.dir = None
        self.outputs, self.sockets, self.namespaces = [], [], []
        self.log = None

    def __enter__(self):
        self._make_process_private()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-test."))
        self.dir.chmod(0o755)
        try:
            self.client, self.gateway = self.namespace("client"), self.namespace("gateway")
            self.join(self.client, "10.9.0.2", self.gateway, "10.9.0.1")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, failure, *_):
        try:
            self._check_no_violation()
        finally:
            orphans = self.close()
        assert not orphans or failure, f"SIGSYS: processes that outlived their daemon were killed by their filter: {orphans}"

    def _check_no_violation(self):
        """A process that made a call its filter does not list has failed every test, even where another took over, and
        is why another failure came about."""
        for output in self.outputs + ([self.log] if self.log else []):
            assert f"killed by signal {int(signal.SIGSYS)}" not in output.text(), \
                f"SIGSYS: a call that is not in common/privsep/sandbox.cc has killed a process:\n{output.text()}"

    @classmethod
    def _make_process_private(cls):
        if cls.is_private:
            return
        if libc.unshare(CLONE_NEWNS) != 0:
            raise Skip("no mount namespace: " + os.strerror(ctypes.get_errno()))
        try:
            _mount("none", "/", flags=MS_REC | MS_PRIVATE)
        except OSError:
            _enter_private_copy_of_root()
        _mount("tmpfs", "/run", "tmpfs")
        if not os.path.realpath("/var/run").startswith("/run"):
            _mount("tmpfs", "/var/run", "tmpfs")
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        atexit.register(kill_descendants)
        cls.is_private = True

    def namespace(self, name):
        self.namespaces.append(Namespace(self, name))
        return self.namespaces[-1]

    def join(self, a, address_a, b, address_b, prefix=24):
        """A veth pair between two namespaces; interface and IPv6 addresses follow from the IPv4 ones (fd00:N::M)."""
        names = []
        for here, there, address in ((a, b, address_a), (b, a, address_b)):
            name = f"to-{there.name}"[:15]
            octets = address.split(".")
            here.address, here.interface = here.address or address, here.interface or name
            address6 = f"fd00:{octets[1]}:{octets[2]}::{octets[3]}"
            here.address6 = here.address6 or address6
            names.append((here, name, address, address6))
        a.run("ip", "link", "add", names[0][1], "type", "veth", "peer", "name", names[1][1],
              "netns", f"/proc/{os.getpid()}/fd/{b.fd}")
        for here, name, _, _ in names:
            here.run("ip", "link", "set", name, "up")
        for here, name, address, address6 in names:
            here.run("ip", "address", "add", f"{address}/{prefix}", "dev", name)
            here.run("ip", "-6", "address", "add", f"{address6}/64", "dev", name, "nodad", check=False)

    def write(self, name, text, mode=0o600):
        """Writes a file in the lab's directory; its path. Bytes are written as they are."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def syslog(self):
        """Puts a listener at /dev/log (in the test's own mount namespace only): a Syslog."""
        new = self.dir / "dev"
        new.mkdir()
        _mount("tmpfs", new, "tmpfs")
        for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
            if os.path.exists(f"/dev/{name}"):
                (new / name).touch()
                _mount(f"/dev/{name}", new / name, flags=MS_BIND)
        for name in ("pts", "shm", "net"):
            if os.path.isdir(f"/dev/{name}"):
                (new / name).mkdir()
                _mount(f"/dev/{name}", new / name, flags=MS_BIND | MS_REC)
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            (new / name).symlink_to(f"/proc/self/fd{target}")
        self.log = Syslog(str(new / "log"), self.dir / "syslog")
        _mount(new, "/dev", flags=MS_BIND | MS_REC)
        return self.log

    def print_outputs(self):
        for output in self.outputs + ([self.log] if self.log else []):
            print(f"--- output of {' '.join(getattr(output, 'argv', [output.name]))}\n{output.text()}", end="")
        for namespace in self.namespaces:
            print(f"--- rules in {namespace.name}\n" + "\n".join(namespace.rules()))

    def close(self):
        """The pids of what the test left behind and a system-call filter had killed."""
        violators = kill_descendants()
        for thing in self.sockets:
            thing.close()
        for namespace in self.namespaces:
            os.close(namespace.fd)
        if self.log:
            _check(libc.umount2(b"/dev", 2), "umount /dev")
        detach_mounts_below(self.dir)
        if os.environ.get("KEEP"):
            print(f"kept: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        return violators


def children(pid):
    """The processes whose parent is `pid`."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                if entry.isdigit() and int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry))
        except OSError:
            continue
    return found


def kill_descendants():
    """Ends what the test started, daemons included: as subreaper this process is the parent of every orphan. The pids
    of those that SIGSYS has ended before."""
    end = time.monotonic() + LIMIT_S
    violators = []
    while time.monotonic() < end:
        pids = children(os.getpid())
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # In the order in which they end: process 1 of a namespace waits until its last process is reaped, here.
        for _ in pids:
            try:
                ended, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if os.waitstatus_to_exitcode(status) == -signal.SIGSYS:
                violators.append(ended)
    return violators
