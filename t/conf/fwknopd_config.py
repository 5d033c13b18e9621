# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd's command line and configuration: every line of fwknopd_cases.jsonl (spec/fwknopd-config.md, section 15; L: ours).

A case: id, args (B = -c <C> -O <E> -a <A> -r <R>, X = --exit-parse-config, at success its last line is not listed), conf,
access (default: the stanza `plain` below), files (text, [text, mode, owner], "-> link", "name/" = folder), and what is
wanted, the first of several that fits: status, err, out (lines in this order, dumps without index and padding), after
(files; null = absent). A text may also be {"re": for the whole}, {"unordered": lines}, {"exact": text}, {"usage": true},
{"any": true}. <D> is the scratch folder; <S>, <FW>, <GX>, <SX>, <GH> are paths of the build, taken from its -D dump.

Case ids on the command line run those alone.
"""
import concurrent.futures
import itertools
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import LIMIT_S, Skip, check, main, program

HERE = os.path.dirname(os.path.abspath(__file__))
plain = "SOURCE any\nKEY testtest\nREQUIRE_SOURCE Y\n"
environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TZ": "UTC", "LC_ALL": "C"}
parsed = "Configs parsed, exiting.\n"


class Scratch:
    """A folder with the files of a case, and what its placeholders stand for."""

    def __init__(self, case, build):
        self.folder = tempfile.mkdtemp(prefix="fwknopd-case-")
        d = self.folder
        self.names = {"<D>": d, "<C>": d + "/c", "<E>": d + "/e", "<A>": d + "/acc", "<R>": d + "/run",
                      "<0>": program("fwknopd"), **build}
        os.mkdir(d + "/run")
        files = {"c": case.get("conf", ""), "e": "", "acc": case.get("access", plain), **case.get("files", {})}
        for name, content in files.items():
            self._put(name, *(content if isinstance(content, list) else [content]))

    def _put(self, name, text, mode=0o600, owner=None):
        path, text = os.path.join(self.folder, name), self.fill(text)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if name.endswith("/"):
            os.chmod(path, 0o755 if mode == 0o600 else mode)
            os.chown(path, owner or 0, 0)
            return
        if text.startswith("-> "):
            os.symlink(text[3:], path)
            return
        with open(path, "w", newline="") as file:
            file.write(text + ("\n" if text and not text.endswith("\n") else ""))
        os.chmod(path, mode)
        if owner:
            os.chown(path, owner, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self, text, quote=lambda s: s):
        for name, value in self.names.items():
            text = text.replace(name, quote(value))
        return text

    def run(self, args):
        args = re.sub(r"^B(?= |$)", "-c <C> -O <E> -a <A> -r <R>", args)
        args = re.sub(r"(?<= )X(?= |$)", "--exit-parse-config", args)
        command = [program("fwknopd"), *(self.fill(a) for a in shlex.split(args))]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder, env=environment,
                              timeout=LIMIT_S)
        return done.returncode, done.stdout.decode("latin1"), done.stderr.decode("latin1")


def undress(line):
    """A line of the dump without index and padding."""
    line = re.sub(r"^ *\d+\. (\w+) +=  '", r"\1 = '", line)
    return re.sub(r"^ *([A-Z][A-Za-z0-9_]*(?: \(\w+\))?):  ", r"\1: ", line)


def fits(scratch, wanted, got):
    """Regular expressions and the other forms that are not plain text; None for plain text."""
    if not isinstance(wanted, dict):
        return None
    if "any" in wanted:
        return True
    if "re" in wanted:
        return re.fullmatch(scratch.fill(wanted["re"], re.escape), got, re.S) is not None
    if "unordered" in wanted:
        return sorted(got.splitlines()) == sorted(scratch.fill(x) for x in wanted["unordered"])
    if "exact" in wanted:
        return got == scratch.fill(wanted["exact"])
    return re.match(r"\nfwknopd server version \S+\n[^\n]+ - [^\n]+\n\nUsage: fwknopd \[options\]\n\n", got) is not None


def err_problems(scratch, wanted, got, ends_parsed):
    if ends_parsed and got.endswith(parsed):
        got = got[:-len(parsed)]
    elif ends_parsed:
        return [f"stderr lacks its last line: {got!r}"]
    verdict = fits(scratch, wanted, got)
    if verdict is None:
        text = scratch.fill(wanted)
        verdict = got == (text + "\n" if text else "")
    return [] if verdict else [f"stderr {got!r}", f"wanted {wanted!r}"]


def out_problems(scratch, wanted, got):
    verdict = fits(scratch, wanted, got)
    if verdict is None and wanted == "":
        verdict = got == ""
    if verdict is None:
        rest = iter([undress(line) for line in got.splitlines()])
        verdict = all(line in rest for line in scratch.fill(wanted).split("\n"))
    return [] if verdict else [f"stdout {got!r}", f"wanted {wanted!r}"]


def file_problems(scratch, name, wanted):
    path = os.path.join(scratch.folder, name)
    if wanted is None:
        return [f"{path} exists"] if os.path.lexists(path) else []
    text, mode = wanted if isinstance(wanted, list) else (wanted, None)
    with open(path, newline="") as file:
        got = file.read()
    verdict = fits(scratch, text, got)
    problems = [] if (got == scratch.fill(text) if verdict is None else verdict) else [f"{name} holds {got!r}"]
    if mode is not None and stat.S_IMODE(os.stat(path).st_mode) != mode:
        problems.append(f"{name} has the wrong mode")
    return problems


def attempt(case, wanted, build):
    args = wanted.get("args") or case["args"]
    with Scratch(case, build) as scratch:
        status, out, err = scratch.run(args)
        problems = [] if status == wanted["status"] else [f"exit status {status}, wanted {wanted['status']}"]
        problems += err_problems(scratch, wanted.get("err", ""), err, " X" in args and status == wanted["status"] == 0)
        problems += out_problems(scratch, wanted.get("out", ""), out)
        for name, content in wanted.get("after", {}).items():
            problems += file_problems(scratch, name, content)
        return problems


def run_case(case, build):
    all_problems = []
    for wanted in case["want"]:
        problems = attempt(case, wanted, build)
        if not problems:
            return []
        all_problems.append(problems)
    return list(itertools.chain([f"{case['id']}: fwknopd {case['args']}"], *all_problems))


def learn_build():
    with Scratch({}, {}) as scratch:
        dump = dict(re.findall(r"^ *\d+\. (\w+) +=  '(.*)'$", scratch.run("B -D -f")[1], re.M))
    return {"<S>": dump["FWKNOP_CONF_DIR"], "<FW>": dump["FIREWALL_EXE"], "<GH>": dump["GPG_HOME_DIR"],
            "<GX>": dump["GPG_EXE"], "<SX>": dump["SUDO_EXE"]}


def is_runnable(case, build):
    """Owners need root; the default configuration must be absent where a case wants it so."""
    text = json.dumps(case)
    owns = any(isinstance(f, list) and len(f) > 2 for f in case.get("files", {}).values())
    return (os.geteuid() == 0 or not owns) and ("<S>" not in text or not os.path.exists(build["<S>"]))


def test_cases():
    with open(os.path.join(HERE, "fwknopd_cases.jsonl")) as file:
        cases = [json.loads(line) for line in file]
    named = [a for a in sys.argv[1:] if re.fullmatch(r"[CL]\d+", a)]
    build = learn_build()
    cases = [c for c in cases if (not named or c["id"] in named) and is_runnable(c, build)]
    if not cases:
        raise Skip("no case can run here")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        failures = [p for p in pool.map(lambda c: run_case(c, build), cases) if p]
    for problems in failures:
        print("\n    ".join(problems))
    print(f"{len(cases) - len(failures)} of {len(cases)} cases passed")
    check(not failures, f"{len(failures)} cases failed")


if __name__ == "__main__":
    sys.argv[1:] = [*sys.argv[1:], *(["test_cases"] if len(sys.argv) > 1 else [])]
    main()
