# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd's crash matrix: whichever process is killed during many grants, every rule ends, none ends early."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_trial import GRANTS, LIFE_S, Trial, send_all
from harness import check, check_equal, main, wait_until
from lab import Lab


def has_ended(pid):
    """An orphan that nobody has reaped has ended, too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_sensor_killed(lab):
    trial = Trial(lab)
    send_all(trial, lambda: os.kill(trial.sensor(), signal.SIGKILL))
    trial.daemon.wait_for_line(r"The sensor process has ended")
    trial.send(GRANTS)
    trial.daemon.wait_for_line(r"for 10\.7\.0\.101 ")
    check(len(trial.granted()) >= GRANTS * 0.8, f"{len(trial.granted())} grants")
    trial.check_ends()


def test_monitor_killed(lab):
    trial = Trial(lab)

    def kill():
        before = trial.granted()
        check(len(before) > 10, f"{len(before)} grants before")
        sensor = trial.sensor()
        trial.daemon.stop(signal.SIGKILL)
        wait_until(lambda: has_ended(sensor), None, "the sensor is gone, too")
        trial.start()
        now = time.time()
        still_open = {address for address, expiry in before.items() if expiry > now + 1}
        check(still_open <= set(trial.rules()), "what was open is open again")
    send_all(trial, kill)
    trial.daemon.wait_for_line(r"Restored access rule in FWKNOP_INPUT for 10\.7\.", start=0)
    trial.check_ends()


def test_monitor_killed_for_longer_than_the_grants_live(lab):
    trial = Trial(lab)
    for number in range(5):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 5, None, "five grants")
    trial.daemon.stop(signal.SIGKILL)
    time.sleep(LIFE_S + 1)
    check_equal(len(trial.rules()), 5, "rules that nobody watches")
    trial.start()
    trial.daemon.wait_for_line(r"Rule of an earlier fwknopd in FWKNOP_INPUT for 10\.7\.0\.1 has expired at \d+", start=0)
    trial.check_ends(5)


def test_both_killed(lab):
    trial = Trial(lab)

    def kill():
        os.kill(trial.sensor(), signal.SIGKILL)
        trial.daemon.stop(signal.SIGKILL)
        trial.start()
    send_all(trial, kill)
    trial.check_ends()


if __name__ == "__main__":
    main(Lab)
