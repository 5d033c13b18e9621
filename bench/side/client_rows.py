# SPDX-License-Identifier: GPL-2.0-or-later
"""The clients: whole processes, one after the other in turn, round after round."""
import os
import time

import wire


def whole_process(bed, row, commands, target=None, runs=100):
    quiet = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_WRONLY, 0) for number in (1, 2)]
    environment = {**os.environ, "HOME": str(bed.lab.dir)}
    for _ in range(runs):
        for name, argv in commands:
            # posix_spawn: a fork of Python would take longer than the program.
            with bed.lab.client:
                begin = time.monotonic()
                pid = os.posix_spawn(argv[0], argv, environment, file_actions=quiet)
                _, _, usage = os.wait4(pid, 0)
                wall = time.monotonic() - begin
            bed.report.add(row, "ms", name, wall * 1e3, target)
            bed.report.add(row + ": CPU", "ms", name, (usage.ru_utime + usage.ru_stime) * 1e3)


def clients(bed):
    keys = ["--key-base64-rijndael", wire.text_of(wire.KEY), "--key-base64-hmac", wire.text_of(wire.HMAC_KEY), "--use-hmac"]
    send = ["-A", "tcp/22", "-a", "10.9.0.2", "-D", bed.lab.gateway.address, "--no-save-args", *keys]
    whole_process(bed, "fwknop, Rijndael and HMAC over UDP", [(name, [path, *send]) for name, path in bed.fwknop], "<= 2.6")
    knock = [bed.lab.gateway.address, *(str(port) for port in range(7000, 7010))]
    whole_process(bed, "knock, 10 ports", [(name, [path, *knock]) for name, path in bed.knock])


def rows(bed):
    return {"clients": lambda: clients(bed)}
