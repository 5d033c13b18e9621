# SPDX-License-Identifier: GPL-2.0-or-later
"""iptables fails or hangs, the disk fills up during many grants: every rule ends, none ends early."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_trial import ADDED, GRANTS, LIFE_S, Trial, send_all
from harness import check, main, wait_until
from lab import Lab


def test_iptables_fails_for_a_while(lab):
    trial = Trial(lab)
    send_all(trial, lambda: trial.trouble("fail"))
    trial.daemon.wait_for_line(r"Error 4 from cmd:")
    time.sleep(LIFE_S)  # the first rules are due and cannot be removed
    check(trial.rules(), "rules that are overdue, because nothing works")
    trial.trouble("")
    trial.check_ends()
    refused = [line for line in trial.lines() if ADDED.match(line)]
    check(len(refused) < GRANTS, "a rule that iptables refused is no grant")


def test_iptables_hangs_for_a_while(lab):
    trial = Trial(lab)
    for number in range(20):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 20, None, "twenty grants")
    trial.trouble("hang")
    trial.send(20)
    trial.daemon.wait_for_line(r"it ran longer than 10 seconds", limit_s=40)
    trial.trouble("")
    trial.check_ends(60)


def test_full_disk(lab):
    lab.gateway.run("mkdir", f"{lab.dir}/small")
    lab.gateway.run("mount", "-t", "tmpfs", "-o", "size=64k", "small", f"{lab.dir}/small")
    trial = Trial(lab, f"{lab.dir}/small/run")
    for number in range(10):
        trial.send(number)
    wait_until(lambda: len(trial.granted()) == 10, None, "ten grants")
    filler = f"{lab.dir}/small/filler"
    lab.gateway.run("sh", "-c", f"dd if=/dev/zero of={filler} bs=1k 2>/dev/null; true")
    for number in range(10, 60):
        trial.send(number)
    trial.daemon.wait_for_line(r"Could not (add digest to replay cache|write the state file)")
    refused = trial.granted()
    os.unlink(filler)
    trial.send(70)
    trial.daemon.wait_for_line(r"for 10\.7\.0\.71 ")
    check(len(refused) < 60, "no access where the digest cannot be kept")
    trial.check_ends()


if __name__ == "__main__":
    main(Lab)
