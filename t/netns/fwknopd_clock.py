# SPDX-License-Identifier: GPL-2.0-or-later
"""The calendar is stepped by a day during many grants, forwards and back: every rule ends in its time, by the clock that
nobody steps."""
import mmap
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_trial import GRANTS, LIFE_S, Trial
from harness import Skip, check, check_equal, main, need_plain_build, need_tools, wait_until
from lab import Lab

DAY_S = 24 * 3600
# Between the daemon and the kernel, in both processes: the mapping outlives empty root and system-call filter.
SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile long* step_s;
__attribute__((constructor)) static void map_step(void) {
  int fd = open(getenv("CLOCK_STEP"), O_RDONLY | O_CLOEXEC);
  void* mapped = mmap(0, sizeof *step_s, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) step_s = mapped;
  close(fd);
}
int clock_gettime(clockid_t id, struct timespec* now) {
  long result = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME && step_s) now->tv_sec += *step_s;
  return (int)result;
}
"""


class SteppedClock:
    """A calendar of the daemon's own."""

    def __init__(self, lab):
        need_plain_build()
        need_tools("cc")
        shim = lab.dir / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, lab.write("shim.c", SHIM)], check=True)
        step = lab.write("step", struct.pack("l", 0))
        with open(step, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.environment = {**os.environ, "LD_PRELOAD": str(shim), "CLOCK_STEP": str(step)}
        self.step_s = 0

    def set(self, step_s):
        self.step_s = step_s
        self.memory[:] = struct.pack("l", step_s)

    def options(self):
        """For the client, whose calendar goes with the daemon's."""
        if self.step_s == 0:
            return []
        return ["--time-offset-plus" if self.step_s > 0 else "--time-offset-minus", f"{abs(self.step_s) // 3600}h"]


def check_step(lab, step_s):
    """A third of the grants before the step, one behind it, one when it has been taken back."""
    if os.environ.get("WRAP"):
        raise Skip("under another program the daemon does not load the shim alone")
    clock = SteppedClock(lab)
    trial = Trial(lab, environment=clock.environment)
    granted_at = {}
    for number in range(GRANTS):
        if number in (GRANTS // 3, 2 * GRANTS // 3):
            # A packet under way would be a day old at its arrival.
            wait_until(lambda: len(trial.granted()) == number, None, "all grants so far")
            clock.set(0 if clock.step_s else step_s)
        trial.send(number, *clock.options())
        granted_at[f"10.7.0.{number + 1}"] = time.monotonic()
        if number == GRANTS // 3:
            trial.daemon.wait_for_line(rf"for 10\.7\.0\.{number + 1} ")
            check(len(trial.rules()) == number + 1, "the rules from before the step are there")
    wait_until(lambda: len(trial.granted()) == GRANTS, None, "all grants")
    check(any(abs(expiry - time.time()) > DAY_S / 2 for expiry in trial.granted().values()), "the step was seen")
    early = []
    seen = set()

    def over():
        nonlocal seen
        now, rules = time.monotonic(), set(trial.rules())
        early.extend(address for address in seen - rules if now < granted_at[address] + LIFE_S - 1)
        seen = rules
        return not rules
    wait_until(over, LIFE_S + 20, "every rule is gone")
    check_equal(early, [], "rules that ended early")
    check_equal(trial.daemon.stop(), 0, "exit status")


def test_a_day_forwards(lab):
    check_step(lab, DAY_S)


def test_a_day_back(lab):
    check_step(lab, -DAY_S)


if __name__ == "__main__":
    main(Lab)
