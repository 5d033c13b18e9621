# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions that the cores execute in our own code for fixed inputs, against the recorded numbers, +-10 %.

`cores.py --record` writes the numbers anew: do that in the commit that makes something dearer or cheaper, and say why.
Counted by Valgrind's callgrind as the difference between N and 2 N rounds, so that preparing does not count; code of
libgcrypt and libc is left out, because they choose it by the processor. Only a build with g++ -O2 can be compared.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, check, main, makefile_value, need_plain_build, need_tools

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded.json")
PROBE = os.path.join(BUILD, "t", "cost", "cost_probe")
TOLERANCE = 0.10
ROUNDS = {"pipeline/refuse/1000_stanzas": 2}
USUAL_ROUNDS = 200
# Preparing them takes minutes under Valgrind, or the random seed of a hash table decides how many collisions there are.
LEFT_OUT = ("1000000", "100000_", "20000_pending")


def compiler():
    """"g++ 12", or Skip: what was recorded for one compiler and -O2 says nothing about another."""
    need_plain_build()
    if "-O2" not in makefile_value("CXXFLAGS").split():
        raise Skip("not an -O2 build")
    version = subprocess.run([*makefile_value("CXX").split(), "--version"], capture_output=True, text=True).stdout
    found = re.match(r"g\+\+ .*?(\d+)\.\d+\.\d+", version)
    if not found:
        raise Skip("not built with g++")
    return f"g++ {found.group(1)}"


def own_cost(profile):
    """The self cost of all lines in the object cost_probe. Names are abbreviated to (number) after their first use."""
    names, current, is_call, total = {}, "", False, 0
    for line in profile:
        if line.startswith(("ob=", "cob=")):  # of the lines that follow, of the function that is called
            number, _, name = line.partition("=")[2].strip().partition(" ")
            object_name = names.setdefault(number, name)
            current = object_name if line.startswith("ob=") else current
        elif line.startswith("calls="):
            is_call = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            if not is_call and current.endswith("/cost_probe"):
                total += int(line.split()[1])
            is_call = False
    return total


def run_counted(name, rounds):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "profile")
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", PROBE, name, str(rounds)],
                              capture_output=True, text=True)
        check(done.returncode == 0, f"{name}: {done.stderr}")
        with open(out) as profile:
            return own_cost(profile)


def count(name):
    rounds = ROUNDS.get(name, USUAL_ROUNDS)
    return name, round((run_counted(name, 2 * rounds) - run_counted(name, rounds)) / rounds)


def count_all():
    names = subprocess.run([PROBE], capture_output=True, text=True, check=True).stdout.split()
    wanted = [name for name in names if not any(part in name for part in LEFT_OUT)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(count, wanted))


def test_no_core_has_become_dearer_or_cheaper_unseen():
    need_tools("valgrind")
    if not os.path.exists(PROBE):
        raise Skip("t/cost/cost_probe is not built")
    with open(RECORD) as file:
        recorded = json.load(file)
    if compiler() != recorded["compiler"]:
        raise Skip(f"recorded with {recorded['compiler']}")
    found = count_all()
    complaints = [f"{name}: recorded {recorded['instructions'].get(name)}, now {now}" for name, now in found.items()
                  if abs(now - recorded["instructions"].get(name, 0)) > TOLERANCE * recorded["instructions"].get(name, 0)]
    complaints += [f"{name}: recorded, but no case" for name in recorded["instructions"] if name not in found]
    check(not complaints, "\n".join(complaints) + "\n(--record writes them anew)")


if __name__ == "__main__":
    if "--record" in sys.argv:
        with open(RECORD, "w") as file:
            json.dump({"compiler": compiler(), "instructions": count_all()}, file, indent=2)
            file.write("\n")
        sys.exit(0)
    main()
