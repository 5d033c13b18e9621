# SPDX-License-Identifier: GPL-2.0-or-later
"""The calendar is stepped by a day during many grants, forwards and back: every rule ends in its time, by the clock that
nobody steps."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_trial import GRANTS, LIFE_S, Trial
from harness import check, check_equal, main, wait_until
from lab import Lab
from preload import SteppedClock

DAY_S = 24 * 3600


def check_step(lab, step_s):
    """A third of the grants before the step, one behind it, one when it has been taken back."""
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
