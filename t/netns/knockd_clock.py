# SPDX-License-Identifier: GPL-2.0-or-later
"""The calendar is stepped by a day while doors of knockd are open, forwards and back: each is closed in its time, by the
clock that nobody steps; knocks go on opening."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import SCALE, check, main, wait_until
from knockd_trial import Trial
from lab import Lab
from preload import SteppedClock

DAY_S, OPEN_S = 24 * 3600, 3


def check_step(lab, step_s):
    """One door opens before the step, one behind it, one when it has been taken back."""
    clock = SteppedClock(lab)
    trial = Trial(lab, clock.environment, open_s=OPEN_S)
    trial.start()
    opened, closed = {}, {}

    def note_closed():
        for source in trial.noted("stopped"):
            closed.setdefault(source, time.monotonic())
        return len(closed)
    for step in (0, step_s, 0):
        clock.set(step, for_all=False)
        source = trial.knock()
        wait_until(lambda source=source: source in trial.noted("started"), what=f"a door for {source}")
        opened[source] = time.monotonic()
        note_closed()
    wait_until(lambda: note_closed() == len(opened), OPEN_S + 20, "all doors closed")
    for source, since in opened.items():
        open_s = closed[source] - since
        check(OPEN_S - 0.5 <= open_s <= OPEN_S + 2 * SCALE, f"{source} was open for {open_s:.2f} s")
    days = {line[:11] for line in (lab.dir / "log").read_text().splitlines()}
    check(len(days) > 1, f"the step was not seen: {days}")
    trial.stop()


def test_a_day_forwards(lab):
    check_step(lab, DAY_S)


def test_a_day_back(lab):
    check_step(lab, -DAY_S)


if __name__ == "__main__":
    main(Lab)
