# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that see only each other: a process namespace, kept by a shell that is its process 1."""
import subprocess


class Keeper:
    """Runs `script` (of sh, with its arguments) as process 1, then stays; ends with the test. `pid`: as seen from here."""

    def __init__(self, script, *arguments, namespaces=()):
        self.popen = subprocess.Popen(
            ["unshare", *namespaces, "--pid", "--fork", "--kill-child", "sh", "-c", f"set -e; {script}\necho; while :; do sleep 1 & wait; done",
             "sh", *map(str, arguments)], stdout=subprocess.PIPE)
        if not self.popen.stdout.readline():
            raise AssertionError(f"no namespace of processes: status {self.popen.wait()}")
        with open(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children", encoding="ascii") as file:
            self.pid = int(file.read().split()[0])

    def end(self):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()
