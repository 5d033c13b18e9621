# SPDX-License-Identifier: GPL-2.0-or-later
"""The completion files in their shells: bash and fish complete, zsh reads the functions."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_tools
from tree import TOP

FOLDER = TOP / "dist/completions"
PROGRAMS = ("fwknop", "fwknopd", "knock", "knockd")
# Asks the function that `complete` has bound for the words, the last of them being typed.
ASK_BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
"$(complete -p "$1" | sed 's/.*-F \([^ ]*\) .*/\1/')" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
true
"""


def ask_bash(*words, cwd="/"):
    done = subprocess.run(["bash", "--norc", "-c", ASK_BASH, "bash", FOLDER / "bash" / words[0], *words], cwd=cwd,
                          capture_output=True, text=True, check=False)
    check_equal((done.returncode, done.stderr), (0, ""), f"{words}")
    return sorted(done.stdout.split("\n")[:-1])


def test_bash():
    check_equal(ask_bash("knock", "--ver"), ["--verbose", "--version"])
    check_equal(ask_bash("knockd", "--re"), ["--replay"])
    check_equal(ask_bash("fwknop", "-a", "192.0.2.7", "--stanza"), ["--stanza-list"])
    check_equal(ask_bash("fwknopd", "--exit-parse-c"), ["--exit-parse-config"])
    check_equal(ask_bash("knock", ""), [])
    check("-d" in ask_bash("knock", "-"), "no short options")


def test_bash_arguments():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/run dir")
        open(f"{folder}/rules.conf", "w", encoding="utf-8").close()
        check_equal(ask_bash("knockd", "-c", "ru", cwd=folder), ["rules.conf", "run dir"])
        check_equal(ask_bash("fwknopd", "--run-dir", "r", cwd=folder), ["run dir"])
        check_equal(ask_bash("fwknopd", "--config-file", "=", "rul", cwd=folder), ["rules.conf"])
        check_equal(ask_bash("fwknopd", "--config-file", "=", cwd=folder), ["rules.conf", "run dir"])
    check("lo" in ask_bash("fwknopd", "-i", "l"), "no interface")
    check_equal(ask_bash("fwknop", "--server-port", ""), [], "a number")


def test_zsh():
    need_tools("zsh")
    for name in PROGRAMS:
        done = subprocess.run(["zsh", "-f", "-n", FOLDER / f"zsh/_{name}"], capture_output=True, text=True, check=False)
        check_equal((done.returncode, done.stderr), (0, ""), name)
        # compinit finds it, and knows that it is for the program.
        script = f"fpath=({FOLDER}/zsh $fpath); autoload -U compinit; compinit -D -u; print $_comps[{name}]; autoload +X _{name}"
        done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=False)
        check_equal((done.stdout, done.stderr), (f"_{name}\n", ""), name)


def test_fish():
    need_tools("fish")
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}

        def ask(name, line):
            done = subprocess.run(["fish", "-c", f"source {FOLDER}/fish/{name}.fish; complete -C '{line}'"], env=environment,
                                  capture_output=True, text=True, check=False)
            check_equal((done.returncode, done.stderr), (0, ""), line)
            return [offer.split("\t")[0] for offer in done.stdout.splitlines()]

        for name in PROGRAMS:
            check_equal(subprocess.run(["fish", "-n", FOLDER / f"fish/{name}.fish"], env=environment, check=False).returncode, 0)
        check_equal(sorted(ask("knock", "knock --ver")), ["--verbose", "--version"])
        check_equal(ask("fwknop", "fwknop --stanza"), ["--stanza-list"])


if __name__ == "__main__":
    main()
