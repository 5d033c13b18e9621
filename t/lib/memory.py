# SPDX-License-Identifier: GPL-2.0-or-later
"""The memory of a process as a core image would hold it, and a stop just before a process is gone."""
import base64
import ctypes
import os
import re
import signal
import subprocess
import time

from harness import LIMIT_S, wait_until
from output import libc

PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE = 7, 17, 0x4206
PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 0x40, 6
HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)")
KINDS = ("[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]")


class Region:
    """One mapping: its name (a file, "[heap]", or ""), whether it is locked, and its bytes."""

    def __init__(self, name, is_locked, content):
        self.name, self.is_locked, self.content = name, is_locked, content


def regions(pid):
    """Every readable mapping of a process."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in lines:
            match = HEADER.fullmatch(line)
            if match:
                start, end, rights, name = int(match[1], 16), int(match[2], 16), match[3], match[4]
            elif line.startswith("VmFlags:") and "r" in rights and name not in KINDS:
                content = read_pages(memory, start, end)
                found.append(Region(name, " lo" in line, content))
    return found


def read_pages(memory, start, end):
    """Pages that cannot be read (guards, files that became shorter) count as empty."""
    content = bytearray()
    while start < end:
        size = min(end - start, 1 << 20)
        try:
            memory.seek(start)
            part = memory.read(size)
        except (OSError, ValueError):
            part = b""
        content += part or bytes(size)
        start += len(part) or size
    return bytes(content)


def forms(secret):
    """A secret as it may lie in memory: as it is, base64, and as the two blocks that begin an HMAC."""
    return {"plain": secret, "base64": base64.b64encode(secret).rstrip(b"="),
            "inner block": bytes(b ^ 0x36 for b in secret), "outer block": bytes(b ^ 0x5c for b in secret)}


def find(pid, secrets):
    """{(name of the secret, form, region, is locked): count} over the memory of a process."""
    hits = {}
    for region in regions(pid):
        for name, secret in secrets.items():
            for form, text in forms(secret).items():
                count = region.content.count(text)
                if count:
                    place = (name, form, region.name, region.is_locked)
                    hits[place] = hits.get(place, 0) + count
    return hits


class StoppedAtExit:
    """`with StoppedAtExit(argv, ...) as pid:` the program has run; its memory is as exit() left it."""

    def __init__(self, argv, **how):
        self.argv, self.how = [str(word) for word in argv], how

    def __enter__(self):
        # The shell waits until the trace is on, then becomes the program.
        self.process = subprocess.Popen(["sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *self.argv], **self.how)
        self.pid = self.process.pid
        wait_until(lambda: self._state() == "T", what="a stopped shell")
        self._ptrace(PTRACE_SEIZE, PTRACE_O_TRACEEXIT)
        os.kill(self.pid, signal.SIGCONT)
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                time.sleep(0.01)
                continue
            assert os.WIFSTOPPED(status), f"{self.argv[0]} is gone: {status}"
            if status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8:
                return self.pid
            sent = os.WSTOPSIG(status)
            is_event = status >> 16 != 0
            self._ptrace(PTRACE_CONT, 0 if is_event or sent in (signal.SIGTRAP, signal.SIGSTOP) else sent)
        raise AssertionError(f"{self.argv[0]} does not end")

    def __exit__(self, *_):
        self._ptrace(PTRACE_DETACH, 0)
        self.process.wait(LIMIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def _state(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def _ptrace(self, request, data):
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        if libc.ptrace(request, self.pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}: {os.strerror(ctypes.get_errno())}")
