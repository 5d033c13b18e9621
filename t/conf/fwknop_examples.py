# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command in the EXAMPLES of fwknop(8), in its order and in one home, and the file in fwknoprc(5)."""
import os
import pathlib
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import SOURCE, check, check_equal, main, program
from lab import MS_BIND, Lab, _mount, libc


def examples(page):
    """The blocks between .nf and .fi of the EXAMPLES section, as the page shows them."""
    text = (pathlib.Path(SOURCE) / "man" / page).read_text()
    section = re.search(r"^\.SH EXAMPLES\n(.*?)^\.SH", text, re.MULTILINE | re.DOTALL)[1]
    blocks = re.findall(r"^\.nf\n(.*?)^\.fi", section, re.MULTILINE | re.DOTALL)
    return [block.replace("\\-", "-").replace("\\e", "\\") for block in blocks]


def prepare(lab):
    """A home whose rc file finds the own address without a network; spa.example.net is this machine."""
    wget = lab.write("wget", "#!/bin/sh\necho 192.0.2.7\n", mode=0o755)
    lab.write("home/.fwknoprc", f"[default]\nWGET_CMD {wget}\nSPOOF_USER tester\n")
    os.makedirs(lab.dir / "bin")
    os.symlink(program("fwknop"), lab.dir / "bin" / "fwknop")
    _mount(lab.write("hosts", "127.0.0.1 localhost spa.example.net\n", mode=0o644), "/etc/hosts", flags=MS_BIND)
    return {"PATH": f"{lab.dir}/bin:{os.environ['PATH']}", "HOME": str(lab.dir / "home"), "LC_ALL": "C"}


def test_commands_of_the_page(lab):
    environment = prepare(lab)
    try:
        capture = lab.client.capture("lo")
        commands = [line for block in examples("fwknop.8") for line in block.splitlines()]
        check(len(commands) >= 8, f"only {len(commands)} commands")
        for command in commands:
            done = lab.client.run("sh", "-c", command, env=environment, check=False)
            check_equal((done.returncode, done.stderr), (0, ""), command)
        # Every packet is another one. The loopback interface shows each of them twice.
        packets = capture.collect()
        check_equal(len({p.payload for p in packets if p.destination_port == 62201}), 4, "UDP packets")
        check_equal(len({p.payload for p in packets if p.protocol == 1 and p.payload[0] == 8}), 2, "pings")
    finally:
        libc.umount2(b"/etc/hosts", 2)


def test_file_of_the_page(lab):
    environment = prepare(lab)
    try:
        lab.write("home/.fwknoprc", examples("fwknoprc.5")[0])
        arguments = ["-n", "office", "-T", "-v", "-a", "192.0.2.7"]
        done = lab.client.run(program("fwknop"), *arguments, env=environment)
        for text in ("Message String: 192.0.2.7,tcp/22", "Client Timeout: 60", "HMAC Type: 3", "IP/host: spa.example.net"):
            check(text in done.stdout, f"{text!r} is not in {done.stdout}")
    finally:
        libc.umount2(b"/etc/hosts", 2)


if __name__ == "__main__":
    main(Lab)
