# SPDX-License-Identifier: GPL-2.0-or-later
"""What every script test stands on: skipping, waiting, the programs under test, and a runner for test_* functions."""
import inspect
import os
import re
import shutil
import subprocess
import sys
import time
import traceback

SOURCE = os.path.abspath(os.environ.get("LATCHKEY_SOURCE", os.path.join(os.path.dirname(__file__), "..", "..")))
BUILD = os.path.abspath(os.environ.get("LATCHKEY_BUILD", os.path.join(SOURCE, "build")))
SCALE = 5 if os.environ.get("WRAP") else 1  # Valgrind and noisy machines: every limit times this
LIMIT_S = 20 * SCALE  # until something awaited counts as missing

PEERS = {  # program: (path, Debian package)
    "knockd": ("/usr/sbin/knockd", "knockd"),
    "knock": ("/usr/bin/knock", "knockd"),
    "fwknopd": ("/usr/sbin/fwknopd", "fwknop-server"),
    "fwknop": ("/usr/bin/fwknop", "fwknop-client"),
}


class Skip(Exception):
    """Raised by a test that cannot run here; the runner exits 77 when every test was skipped."""


def program(name):
    """The path of our program, from the build tree; $KNOCKD, $FWKNOPD ... put another in its place."""
    return os.environ.get(name.upper()) or os.path.join(BUILD, name, name)


def peer(name):
    """The path of Debian's own program, else Skip: what stands there must belong to the peer's package."""
    path, package = PEERS[name]
    owner = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True) if shutil.which("dpkg-query") else None
    if not os.path.exists(path) or owner is None or not owner.stdout.startswith(package + ":"):
        raise Skip(f"Debian's package {package} is not installed")
    return path


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def need_tools(*names):
    for name in names:
        if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            raise Skip(f"{name} is not installed")


def makefile_value(name):
    """What configure has put into the build tree's Makefile for a variable; "" when it has none."""
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as file:
        found = re.search(rf"^{name} = (.*)$", file.read(), re.M)
    return found.group(1) if found else ""


def build_path(name):
    """A directory variable of the Makefile, say runstatedir, with what stands in it for others."""
    path = makefile_value(name)
    while "${" in path:
        path = re.sub(r"\$\{(\w+)\}", lambda match: makefile_value(match.group(1)), path)
    return path


def is_instrumented():
    """Built with a sanitizer or for coverage: other system calls, memory and sections than a plain build."""
    flags = makefile_value("LK_CXXFLAGS")
    return "-fsanitize" in flags or "--coverage" in flags


def need_plain_build():
    if is_instrumented():
        raise Skip("an instrumented build")


def wait_until(condition, limit_s=None, what="condition"):
    """Calls condition() every 10 ms until it gives something true, and returns that; AssertionError after the limit."""
    end = time.monotonic() + (LIMIT_S if limit_s is None else limit_s * SCALE)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within the time limit: {what}")
        time.sleep(0.01)


def find_line(lines, pattern, start=0):
    """The first match of the regular expression in lines[start:], with its index; (None, -1) without one."""
    for index in range(start, len(lines)):
        match = re.search(pattern, lines[index])
        if match:
            return match, index
    return None, -1


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def check_equal(got, wanted, what=""):
    check(got == wanted, f"{what}\n  got:    {got!r}\n  wanted: {wanted!r}")


def _run_one(test, make_lab):
    if not inspect.signature(test).parameters:
        return test()
    lab = make_lab()
    with lab:
        try:
            return test(lab)
        except (Exception, KeyboardInterrupt):
            lab.print_outputs()
            raise


def main(make_lab=None):
    """Runs the test_* functions of the calling file in order (those named on the command line when there are any).

    A test with a parameter gets make_lab() (a context manager). Exit status: 1 when one failed, 77 when all were skipped.
    """
    module = sys.modules["__main__"]
    tests = [(n, f) for n, f in vars(module).items() if n.startswith("test_") and callable(f)]
    chosen = [a for a in sys.argv[1:] if not a.startswith("-")]
    counts = {"ok": 0, "skip": 0, "FAILED": 0}
    for name, test in tests:
        if chosen and name not in chosen:
            continue
        begin, note = time.monotonic(), ""
        try:
            _run_one(test, make_lab)
            verdict = "ok"
        except Skip as skip:
            verdict, note = "skip", str(skip)
        except Exception:
            verdict, note = "FAILED", traceback.format_exc()
        counts[verdict] += 1
        print(f"{verdict} {name} ({time.monotonic() - begin:.2f} s) {note}".rstrip(), flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skip']} skipped", flush=True)
    sys.exit(1 if counts["FAILED"] or not any(counts.values()) else 0 if counts["ok"] else 77)
