# SPDX-License-Identifier: GPL-2.0-or-later
"""A knockd whose door notes what its commands did, and knocks at it from any source."""
import itertools
import os
import pathlib

from harness import build_path, check_equal, program, wait_until
from knock_packets import Sender, ip, tcp

CONF = """\
[options]
logfile = {log}
[door]
{lock}
tcpflags = syn
start_command = echo %IP% >>{dir}/started; echo >{dir}/open/%IP%; {start}
cmd_timeout = {open_s}
stop_command = rm -f {dir}/open/%IP%; echo %IP% >>{dir}/stopped; {stop}
"""


class Trial:
    """One daemon at a time; `options` fill CONF."""

    def __init__(self, lab, environment=None, **options):
        self.lab, self.environment = lab, environment
        self.sources = (f"10.9.{high}.{low}" for high in itertools.count(1) for low in range(1, 255))
        (lab.dir / "open").mkdir(exist_ok=True)
        self.configure(**options)
        self.sender = Sender(lab.client, lab.gateway)

    def configure(self, lock="sequence = 7000,8000", open_s=0, start=":", stop=":", log=None):
        self.lab.write("knockd.conf", CONF.format(dir=self.lab.dir, log=log or self.lab.dir / "log", lock=lock, open_s=open_s,
                                                  start=start, stop=stop))

    def start(self):
        self.daemon = self.spawn()
        self.daemon.wait_for_line("listening on")
        wait_until(self.journals, what="the journal")
        return self.daemon

    def spawn(self):
        return self.lab.gateway.spawn(program("knockd"), "-c", self.lab.dir / "knockd.conf", "-i", self.lab.gateway.interface, "-v",
                                      wrap=self.environment is None, env=self.environment)

    def knock(self, ports=(7000, 8000)):
        """From a source that has not knocked before, which is returned."""
        source = next(self.sources)
        self.sender.send(*(ip(source, self.lab.gateway.address, tcp(port)) for port in ports))
        return source

    def knock_and_wait(self):
        source = self.knock()
        wait_until(lambda: source in self.noted("started"), what=f"a door for {source}")
        return source

    def noted(self, name):
        """The sources whose start ("started") or stop command ("stopped") has run."""
        path = self.lab.dir / name
        return path.read_text().split() if path.exists() else []

    def open_doors(self):
        return sorted(os.listdir(self.lab.dir / "open"))

    def wait_for_stop(self, source, limit_s=None):
        wait_until(lambda: source in self.noted("stopped"), limit_s, f"the stop command for {source}")

    def knock_until_served(self, ports=lambda: (7000, 8000)):
        """A sensor that is being replaced misses knocks, and does not know the next sequence at once."""
        def is_served():
            source = self.knock(ports())
            try:
                self.wait_for_stop(source, 0.5)
                return True
            except AssertionError:
                return False
        wait_until(is_served, what="a knock that is served")

    def stop(self, limit_s=None):
        """The end of the daemon: what was open is closed, and nothing is pending."""
        check_equal(self.daemon.stop(limit_s=limit_s), 15, "exit status")
        check_equal(self.open_doors(), [], "doors that are left open")
        pending = [line for path in self.journals() for line in path.read_text().splitlines() if line[0] != "#"]
        check_equal(pending, [], "left in the journal")

    def journals(self):
        folder = pathlib.Path(f"{build_path('runstatedir')}/latchkey")
        return [path for path in folder.glob("*.pending") if self.lab.dir.name in path.name]
