# SPDX-License-Identifier: GPL-2.0-or-later
"""The four programs carry the hardening that configure was asked for: read from the binaries, not from the flags."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, main, makefile_value, need_plain_build, need_tools
from tree import fail_with

PROGRAMS = ("knock", "knockd", "fwknop", "fwknopd")
# Loaded at run time by their adapters: linked, they would double the start-up time.
NEVER_LINKED = ("libcurl", "libgpgme", "libstdc++", "libsystemd", "libfmt")


def need_hardening():
    need_tools("readelf")
    if "-fstack-protector-strong" not in makefile_value("LK_CXXFLAGS"):
        raise Skip("configured without hardening")
    need_plain_build()


def programs():
    found = [(name, os.path.join(BUILD, name, name)) for name in PROGRAMS]
    found = [(name, path) for name, path in found if os.path.exists(path)]
    if not found:
        raise Skip("no program is built")
    return found


def readelf(path, *what):
    return subprocess.run(["readelf", "-W", *what, path], capture_output=True, text=True, check=True).stdout


def test_daemons_ask_for_no_interface_name():
    """if_indextoname opens a socket: a sensor that formats a scoped address with it is killed by its filter."""
    need_hardening()
    fail_with([f"{name} imports if_indextoname" for name, path in programs()
               if name in ("knockd", "fwknopd") and re.search(r"\bif_indextoname\b", readelf(path, "--dyn-syms"))])


def test_position_independent_and_read_only_after_start():
    need_hardening()
    problems = []
    for name, path in programs():
        headers, dynamic = readelf(path, "-h", "-l"), readelf(path, "-d")
        if not re.search(r"Type:\s+DYN", headers) or "PIE" not in dynamic:
            problems.append(f"{name}: no position-independent executable")
        if "GNU_RELRO" not in headers or not re.search(r"BIND_NOW|Flags:.*NOW", dynamic):
            problems.append(f"{name}: relocations stay writable (needs relro and now)")
        if not re.search(r"GNU_STACK\s.*\sRW\s", headers):
            problems.append(f"{name}: executable stack")
        if re.search(r"\sRWE\s", headers) or "TEXTREL" in dynamic:
            problems.append(f"{name}: memory that is writable and executable")
        if "RPATH" in dynamic or "RUNPATH" in dynamic:
            problems.append(f"{name}: a library search path")
    fail_with(problems)


def test_stack_protector_and_fortified_calls():
    need_hardening()
    problems = []
    fortified = "_FORTIFY_SOURCE" in makefile_value("LK_CXXFLAGS")
    for name, path in programs():
        symbols = readelf(path, "--dyn-syms")
        if "__stack_chk_fail" not in symbols:
            problems.append(f"{name}: no stack protector")
        if fortified and not re.search(r"__\w+_chk@", symbols.replace("__stack_chk_fail", "")):
            problems.append(f"{name}: no fortified call")
    fail_with(problems)


IBT_AND_SHSTK = re.compile(r"x86 feature: IBT, SHSTK")


def has_control_flow_note(path):
    """Of every object in a file or archive: marked as fit for indirect branch tracking and shadow stacks."""
    shown = readelf(path, "-n", "-h")
    return len(IBT_AND_SHSTK.findall(shown)) == shown.count("ELF Header:")


def start_files():
    """What the linker puts around every program; Debian 12's are not marked."""
    command = [*makefile_value("CXX").split(), "-print-file-name="]
    for name in ("Scrt1.o", "crti.o", "crtn.o", "libc_nonshared.a"):
        path = subprocess.run([*command[:-1], command[-1] + name], capture_output=True, text=True, check=True).stdout.strip()
        if os.path.isabs(path):
            yield path


def test_control_flow_protection():
    """endbr64 where indirect jumps may lead. The linker marks a program only when all that went into it is marked."""
    need_hardening()
    if "-fcf-protection=full" not in makefile_value("LK_CXXFLAGS"):
        raise Skip("the compiler has no -fcf-protection here")
    archives = [os.path.join(BUILD, f"lib{name}.a") for name in ("common", *PROGRAMS)]
    problems = [f"{os.path.basename(path)}: an object without IBT or SHSTK" for path in archives
                if os.path.exists(path) and not has_control_flow_note(path)]
    is_toolchain_marked = all(map(has_control_flow_note, start_files()))
    for name, path in programs():
        with open(path, "rb") as file:
            landings = file.read().count(b"\xf3\x0f\x1e\xfa")
        if landings < 100:
            problems.append(f"{name}: {landings} endbr64 instructions")
        if is_toolchain_marked and not IBT_AND_SHSTK.search(readelf(path, "-n")):
            problems.append(f"{name}: not marked for IBT and SHSTK, though the toolchain is")
    fail_with(problems)


def test_hardening_check():
    """Debian's own opinion; the note that it misses is test_control_flow_protection's."""
    need_hardening()
    need_tools("hardening-check")
    fortify = [] if "_FORTIFY_SOURCE" in makefile_value("LK_CXXFLAGS") else ["--nofortify"]
    done = subprocess.run(["hardening-check", "--nocfprotection", *fortify, *(path for _, path in programs())],
                          capture_output=True, text=True)
    fail_with((done.stdout + done.stderr).splitlines() if done.returncode else [])


def test_libraries():
    need_tools("readelf")
    need_plain_build()
    problems = []
    for name, path in programs():
        linked = re.findall(r"Shared library: \[(.*?)\]", readelf(path, "-d"))
        problems += [f"{name}: linked with {library}" for library in linked if library.startswith(NEVER_LINKED)]
    fail_with(problems, "load it with dlopen in its adapter")


if __name__ == "__main__":
    main()
