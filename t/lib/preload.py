# SPDX-License-Identifier: GPL-2.0-or-later
"""A library between a daemon and the C library: its calendar is stepped, or the n-th call of a function fails."""
import errno
import mmap
import os
import struct
import subprocess
import time

from harness import SOURCE, Skip, check, need_plain_build, need_tools

FORM = struct.Struct("llllll32s")  # struct Control of preload.c
IDLE_S, IDLE_TICKS = 1.0, 5
STEP_AT, FAULT_AT, NAME_AT = 0, 16, 48
ERRORS = {"read": errno.EIO, "pread": errno.EIO, "waitpid": errno.EIO, "execve": errno.EIO, "vfork": errno.EAGAIN, "fork": errno.EAGAIN,
          "write": errno.ENOSPC, "pwrite": errno.ENOSPC, "fsync": errno.EIO, "fdatasync": errno.EIO, "rename": errno.ENOSPC,
          "open": errno.EMFILE, "pipe2": errno.EMFILE}


class Preload:
    """`environment` is for the daemon to be started with."""

    def __init__(self, lab):
        need_plain_build()  # the sanitizers want to stand before the C library
        need_tools("cc")
        if os.environ.get("WRAP"):
            raise Skip("under another program the daemon does not load the library alone")
        library = lab.dir / "preload.so"
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-fno-builtin", "-o", library, f"{SOURCE}/t/lib/preload.c"], check=True)
        control = lab.write("preload.control", bytes(FORM.size))
        with open(control, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        # A short path: a program is looked for in every folder of it.
        self.environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin", "LD_PRELOAD": str(library), "PRELOAD_CONTROL": str(control)}


class SteppedClock(Preload):
    """A calendar of the daemon's own. A sensor that looks at the kernel's times of packets must not be `for_all`."""

    step_s = 0

    def set(self, step_s, for_all=True):
        self.step_s = step_s
        self.memory[STEP_AT:FAULT_AT] = struct.pack("ll", step_s, for_all)

    def options(self):
        """For fwknop, whose calendar goes with the daemon's."""
        if self.step_s == 0:
            return []
        return ["--time-offset-plus" if self.step_s > 0 else "--time-offset-minus", f"{abs(self.step_s) // 3600}h"]


class FailingCalls(Preload):
    """Calls of the process that was started, those of its sensor not counted."""

    def fail(self, name, nth, times=1, code=None):
        """From the nth call from now on, so many fail."""
        self.clear()
        self.memory[FAULT_AT:NAME_AT] = struct.pack("llll", nth, times, code or ERRORS.get(name, errno.ENOMEM), 0)
        self.memory[NAME_AT:FORM.size] = struct.pack("32s", name.encode())

    def clear(self):
        self.memory[NAME_AT:FORM.size] = bytes(32)

    def fired(self):
        return FORM.unpack(self.memory[:FORM.size])[5]


def fail_each(calls, name, body, step=1, most=2000):
    """body() with the first call of `name` failing, the second, ... until it makes no more of them: how many. `step` 3: every third."""
    for nth in range(1, most, step):
        calls.fail(name, nth)
        body(f"{name} {nth}")
        calls.clear()
        if not calls.fired():
            return nth - 1
    raise AssertionError(f"{name} never ends")


def check_idle(daemon):
    """A descriptor that stays readable would be asked again and again."""
    def ticks():
        with open(f"/proc/{daemon.pid}/stat", encoding="latin-1") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    before = ticks()
    time.sleep(IDLE_S)
    check(ticks() - before <= IDLE_TICKS, f"{ticks() - before} clock ticks in {IDLE_S} s without work")
