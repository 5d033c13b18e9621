# SPDX-License-Identifier: GPL-2.0-or-later
"""Running programs and what they write: lines that a test can wait for."""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess

from harness import LIMIT_S, SCALE, find_line, wait_until

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Output:
    """Growing text as lines. Waiting goes on after the line that the last wait found, unless told otherwise."""

    def __init__(self, name):
        self.name, self.next = name, 0

    def text(self):
        raise NotImplementedError

    def alive(self):
        return True

    def lines(self):
        return self.text().split("\n")[:-1]

    def wait_for_line(self, pattern, limit_s=None, start=None):
        """The match of the regular expression in the first line from `start` on (default: after the last one found)."""
        begin = self.next if start is None else start

        def look():
            was_alive = self.alive()
            match, index = find_line(self.lines(), pattern, begin)
            if match is None and not was_alive:
                raise AssertionError(f"{self.name} ended without the line /{pattern}/:\n{self.text()}")
            if match is not None:
                self.next = index + 1
            return match

        try:
            return wait_until(look, limit_s)
        except AssertionError as error:
            if "ended without" in str(error):
                raise
            raise AssertionError(f"{self.name}: no line /{pattern}/ in time; lines so far:\n{self.text()}") from None


class Process(Output):
    """A program in a namespace. Its standard output and error go to one file, so it can never block on them."""

    def __init__(self, argv, path, **how):
        super().__init__(os.path.basename(argv[0]))
        self.argv, self.path = argv, path
        with open(path, "ab") as out:
            how = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": subprocess.STDOUT, **how}
            self.popen = subprocess.Popen(argv, **how)
        self.pid = self.popen.pid

    def text(self):
        return self.path.read_bytes().decode("utf-8", "replace")

    def alive(self):
        return self.popen.poll() is None

    def send_signal(self, number):
        self.popen.send_signal(number)

    def wait(self, limit_s=None):
        """The exit status; negative for a signal, as in subprocess."""
        return self.popen.wait(LIMIT_S if limit_s is None else limit_s * SCALE)

    def stop(self, number=signal.SIGTERM, limit_s=None):
        """Sends the signal and waits; the exit status. Valgrind's verdict (99) is a failure."""
        if self.alive():
            self.send_signal(number)
        status = self.wait(limit_s)
        assert status != 99, f"{self.name}: Valgrind found errors:\n{self.text()}"
        return status


class Syslog(Output):
    """What was sent to /dev/log. `lines()` are without the priority; `records()` gives (priority, text).

    A child takes the datagrams: the kernel queues ten, then the sender would wait for the test to look.
    """

    def __init__(self, path, record):
        super().__init__("syslog")
        self.record = record
        record.touch()
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(path)
        os.chmod(path, 0o666)
        if os.fork() == 0:
            self._receive(receiver)
        receiver.close()

    def _receive(self, receiver):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        record = os.open(self.record, os.O_WRONLY | os.O_APPEND)
        while True:
            os.write(record, json.dumps(receiver.recv(65536).decode("utf-8", "replace")).encode() + b"\n")

    def records(self):
        found = []
        for line in self.record.read_text().split("\n")[:-1]:
            text = json.loads(line).rstrip("\0\n")
            match = re.match(r"<(\d+)>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?(.*)", text, re.DOTALL)
            found.append((int(match[1]), match[2]) if match else (None, text))
        return found

    def text(self):
        return "".join(text + "\n" for _, text in self.records())
