#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every system call that common/os makes on files and processes fails once (libfiu): the error is told, nothing is lost."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import BUILD, LIMIT_S, main, need_plain_build, need_tools

PROBE = os.path.join(BUILD, "t/faults/os_probe")
ENOSPC, EIO = 28, 5
OLD = "old line\n"
RANDOM_RUNS = 30


def fault(name, code=EIO, times="onetime,"):
    return f"enable {times}name=posix/{name},failinfo={code}"


def probe(command, path, faults):
    """The lines that the probe printed, while `faults` are in force. It never dies of a fault."""
    need_tools("fiu-run")
    need_plain_build()  # the sanitizers and libfiu both want to stand before the C library
    words = ["fiu-run", "-f", "", "-x"]
    for each in faults:
        words += ["-c", each]
    done = subprocess.run([*words, PROBE, command, path], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode in (0, 1), f"{command} under {faults}: status {done.returncode} {done.stderr}"
    return done.stdout.split("\n")[:-1]


def with_file(command, faults, check, text=OLD):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        if text is not None:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        lines = probe(command, path, faults)
        check(lines, read(path), sorted(os.listdir(folder)), faults)


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None


def check_append(lines, text, _, faults):
    """The file holds what was there and exactly the lines that were reported as written."""
    assert lines, faults
    if lines[0] != "ok":
        assert text in (OLD, None, "", "# header\n"), (faults, lines, text)
        return
    kept = [line for line, told in zip(("one", "two", "three"), lines[1:], strict=True) if told == "ok"]
    assert text in (OLD + "".join(f"{line}\n" for line in kept), "# header\n" + "".join(f"{line}\n" for line in kept)), \
        (faults, lines, text)


def test_append_keeps_whole_lines():
    for text in (OLD, None):
        for name in ("io/oc/open", "io/rw/write", "io/rw/write/reduce", "io/sync/fdatasync", "io/rw/pread", "io/oc/close"):
            with_file("append", [fault(name, ENOSPC)], check_append, text)


def test_append_under_random_faults():
    for number in range(RANDOM_RUNS):
        name = ("io/rw/write", "io/sync/fdatasync", "io/rw/write/reduce")[number % 3]
        with_file("append", [f"enable_random name=posix/{name},probability=0.4,failinfo={ENOSPC}"], check_append)


def test_append_when_even_taking_back_fails():
    def check(lines, text, _, faults):
        # The half line cannot be cut off: the next opening ends it, no reported line is lost or joined to another.
        assert lines[0] == "ok" and text.startswith(OLD), (faults, lines, text)
        for line, told in zip(("one", "two", "three"), lines[1:], strict=True):
            assert told != "ok" or f"\n{line}\n" in text, (faults, lines, text)
    with_file("append", [fault("io/sync/fdatasync"), fault("io/rw/ftruncate")], check)
    with_file("append", [fault("io/rw/write/reduce"), fault("io/sync/fdatasync"), fault("io/rw/ftruncate")], check)


def test_replace_leaves_the_old_or_the_new():
    def check(lines, text, names, faults):
        assert text == ("new text\n" if lines == ["ok"] else OLD), (faults, lines, text)
        assert names == ["file"], (faults, names)
    for name in ("io/oc/open", "io/rw/write", "io/rw/write/reduce", "io/sync/fsync", "io/dir/rename", "io/oc/close"):
        with_file("replace", [fault(name, ENOSPC)], check)


def test_replace_tells_the_reason():
    def check(lines, *_):
        assert lines == [f"error {ENOSPC}"], lines
    for name in ("io/oc/open", "io/rw/write", "io/sync/fsync", "io/dir/rename"):
        with_file("replace", [fault(name, ENOSPC)], check)


def test_read_tells_the_reason():
    def failed(lines, *_):
        assert lines == [f"error {EIO}"], lines

    def works(lines, *_):
        assert lines == ["ok"], lines
    for name in ("io/oc/open", "io/rw/read"):
        with_file("read", [fault(name)], failed)
    with_file("read", [fault("io/rw/read/reduce")], works)


def test_pid_file_tells_the_reason():
    def check(lines, *_):
        assert lines == [f"error {ENOSPC}"], lines
    for name in ("io/oc/open", "io/rw/ftruncate", "io/rw/pwrite", "io/sync/fsync"):
        with_file("pid_file", [fault(name, ENOSPC)], check, None)


# A close() that fails is not tried where it ends a pipe: on Linux it always closes, with libfiu it would not.
def test_a_program_runs_or_the_reason_is_told():
    for name in ("io/oc/open", "io/rw/write", "io/rw/read", "io/net/poll", "proc/waitpid"):
        lines = probe("run", "-", [fault(name)])
        assert len(lines) == 1, (name, lines)
        assert lines[0] in (f"error {EIO}", "ended 3 text", "ended 127 text", "ended 127 ", "ended 3 "), (name, lines)


def test_a_confined_process_starts_or_the_reason_is_told():
    for name in ("proc/fork", "io/oc/open", "io/rw/write", "io/rw/read", "proc/signal"):
        lines = probe("confine", "-", [fault(name)])
        assert len(lines) == 1, (name, lines)
        assert lines[0].startswith("error ") or lines == ["ended 4"], (name, lines)
    assert probe("confine", "-", [fault("proc/fork")]) == [f"error {EIO}"]


def test_a_launcher_tells_that_there_is_no_daemon():
    assert probe("daemon", "-", [fault("proc/fork")]) == [f"error {EIO}"]
    for name in ("io/rw/write", "io/oc/open"):
        assert probe("daemon", "-", [fault(name)]) == [], name


if __name__ == "__main__":
    main()
