# SPDX-License-Identifier: GPL-2.0-or-later
"""The fwknop client on its command line: the cases of fwknop_client/*.toml, each in a fresh home, without a network.

Members of a case (what is not given is as in the peer's test setup: root, an rc file with an empty [default] section,
no terminal, empty standard input, neither SPOOF_USER nor LOGNAME nor USER):
  run               the command line; $H home, $W working folder, $G GnuPG home, $C and $S its keys, $V version, and the
                    abbreviations below
  rc, rc_mode, rc_owner   the rc file: text (false: none), mode, owner
  files, file_mode, links   other files and symbolic links there before
  environment, unset, stdin
  wget              body of the shell script $W/wget
  listen, reply, request   a TCP server on this port, what it answers, what it must have got
  status            exit status (0)
  stdout, stderr, after.FILE, request   lists of texts that must be there; "~" a regular expression, "=" the whole
                    text, "!" a text that must not be there; an empty list: nothing at all
  mode.FILE, absent   mode of a file, files that must not be there
  timestamp_offset  seconds between now and the time stamp
"""
import os
import pathlib
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import tomllib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from gpg_home import GpgHome
from harness import LIMIT_S, SOURCE, main, need_tools, program
from lab import Lab

CASES = pathlib.Path(SOURCE) / "t" / "conf" / "fwknop_client"
WORDS = {
    "$P": "-T -A tcp/22 -a 1.1.1.1 -D 127.0.0.1",
    "$T": "-T -A tcp/22 -a 1.1.1.1 -D 127.0.0.1 --key-rijndael k1",
    "$N": "-A tcp/22 -a 1.1.1.1 -D 127.0.0.1 --key-rijndael k1",
    "$A": "-A tcp/22 -D 127.0.0.1 --key-rijndael k1",
    "$R": "-T -A tcp/22 -D 127.0.0.1 --key-rijndael k1 -R",
}
GPG_KEYS = {}


class Place:
    """Folders of one run, and what stands for them in the texts of a case."""

    def __init__(self, folder):
        self.home, self.work = folder / "h", folder / "w"
        for path in (self.home, self.work):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        self.names = {"$H": str(self.home), "$W": str(self.work), "$V": version(), **GPG_KEYS}

    def expand(self, text, quote=str):
        for name, value in self.names.items():
            text = text.replace(name, quote(value))
        return text

    def arguments(self, text):
        text = re.sub(r"\$([A-Za-z0-9]+)x(\d+)", lambda m: m[1] * int(m[2]), text)
        text = re.sub(r"\$[PTNAR](?= |$)", lambda m: WORDS[m[0]], text)
        return shlex.split(self.expand(text))

    def complaint(self, wanted, got):
        """Empty when `got` is as wanted."""
        if wanted.startswith("~"):
            is_there = re.search(self.expand(wanted[1:], re.escape), got)
        elif wanted.startswith("="):
            is_there = self.expand(wanted[1:]) == got
        elif wanted.startswith("!"):
            is_there = self.expand(wanted[1:]) not in got
        else:
            is_there = self.expand(wanted) in got
        return "" if is_there else f"wanted {wanted!r} in {got[-600:]!r}"

    def complaints(self, what, wanted, got):
        if wanted == []:
            return [f"{what}: not empty: {got[-600:]!r}"] if got else []
        return [f"{what}: {c}" for c in (self.complaint(w, got) for w in wanted or []) if c]


def version():
    done = subprocess.run([program("fwknop"), "-V", "--no-rc-file", "--no-save-args"], capture_output=True, text=True,
                          check=True, env={"HOME": "/nonexistent"})
    return re.search(r"client (\S+),", done.stdout)[1]


class Server(threading.Thread):
    """Takes one connection, keeps what comes, answers."""

    def __init__(self, listener, reply):
        super().__init__(daemon=True)
        self.listener, self.reply, self.got = listener, reply, ""
        self.start()

    def run(self):
        self.listener.settimeout(LIMIT_S)
        try:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(1)
                data = connection.recv(65536)
                if self.reply:
                    connection.sendall(self.reply.encode())
                while not self.reply and (more := connection.recv(65536)):
                    data += more
        except OSError:
            return
        finally:
            self.listener.close()
        self.got = data.decode("latin-1")


def prepare(place, case):
    rc = case.get("rc", "[default]\n")
    if rc is not False:
        path = place.home / ".fwknoprc"
        path.write_text(place.expand(rc), newline="")
        path.chmod(case.get("rc_mode", 0o600))
        if "rc_owner" in case:
            os.chown(path, case["rc_owner"], case["rc_owner"])
    for name, text in case.get("files", {}).items():
        path = pathlib.Path(place.expand(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place.expand(text), newline="")
        path.chmod(case.get("file_mode", 0o600))
    for name, target in case.get("links", {}).items():
        os.symlink(place.expand(target), place.expand(name))
    if "wget" in case:
        path = place.work / "wget"
        path.write_text("#!/bin/sh\n" + place.expand(case["wget"]) + "\n")
        path.chmod(0o755)


def environment_of(place, case):
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.home), "LC_ALL": "C"}
    environment |= {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS") or k == "LD_LIBRARY_PATH"}
    environment |= case.get("environment", {})
    return {k: v for k, v in environment.items() if k not in case.get("unset", [])}


def run_case(lab, case):
    """What is wrong, one text each."""
    place = Place(lab.dir)
    prepare(place, case)
    server = None
    if "listen" in case:
        with lab.client:
            listener = socket.create_server(("127.0.0.1", case["listen"]))
        server = Server(listener, case.get("reply", ""))
    begin = int(time.time())
    done = lab.client.run(*shlex.split(os.environ.get("WRAP", "")), program("fwknop"), *place.arguments(case["run"]), check=False, limit_s=60,
                          input=case.get("stdin", ""), env=environment_of(place, case), cwd=place.work,
                          start_new_session=True)
    problems = []
    if done.returncode != case.get("status", 0):
        problems.append(f"exit status {done.returncode}; stderr {done.stderr[-300:]!r}")
    problems += place.complaints("stdout", case.get("stdout"), done.stdout)
    problems += place.complaints("stderr", case.get("stderr"), done.stderr)
    if server:
        server.join(LIMIT_S)
        problems += place.complaints("request", case.get("request"), server.got)
    for name, wanted in case.get("after", {}).items():
        path = pathlib.Path(place.expand(name))
        problems += place.complaints(name, wanted, path.read_bytes().decode()) if path.exists() else [f"{name} is missing"]
    for name, mode in case.get("mode", {}).items():
        got = stat.S_IMODE(os.stat(place.expand(name)).st_mode)
        problems += [] if got == mode else [f"{name} has mode {got:o}"]
    problems += [f"{name} is there" for name in case.get("absent", []) if os.path.lexists(place.expand(name))]
    if "timestamp_offset" in case:
        stamp = int((re.search(r"Timestamp: (\d+)", done.stdout) or [0, 0])[1])
        if not 0 <= stamp - begin - case["timestamp_offset"] <= LIMIT_S:
            problems.append(f"time stamp {stamp}, begun at {begin}")
    return problems


def run_file(lab, name, wants_gpg=False):
    cases = tomllib.loads((CASES / name).read_text())["case"]
    cases = [c for c in cases if ("--gpg-" in c["run"]) == wants_gpg]
    failures = []
    for case in cases:
        problems = run_case(lab, case)
        failures += [f"{case['run']!r} (rc {case.get('rc', '')!r:.60})"] * bool(problems) + ["  " + p for p in problems]
    if failures:
        raise AssertionError("\n".join(failures))


def test_as_the_peer(lab):
    run_file(lab, "as_the_peer.toml")


def test_better_than_the_peer(lab):
    run_file(lab, "better.toml")


def test_gnupg_as_the_peer(lab):
    need_tools("gpg")
    with GpgHome() as home:
        client, server = home.make_key("client"), home.make_key("server")
        home.gpg("--yes", "--delete-secret-keys", server)
        GPG_KEYS.update({"$G": home.path, "$C": client[-8:], "$S": server[-8:]})
        run_file(lab, "as_the_peer.toml", wants_gpg=True)


if __name__ == "__main__":
    main(Lab)
