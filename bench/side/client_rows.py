# SPDX-License-Identifier: GPL-2.0-or-later
"""The clients: whole processes, one after the other in turn, beside /bin/true."""
import os

import meters
import wire


def whole_process(bed, row, commands, target=None, runs=60):
    for _ in range(runs):
        for name, argv in commands:
            wall, cpu = meters.run_timed(argv, env={**os.environ, "HOME": str(bed.lab.dir)}, preexec_fn=bed.lab.client._enter_child)
            bed.report.add(row, "ms", name, wall, target)
            bed.report.add(row + ": CPU", "ms", name, cpu)


def clients(bed):
    keys = ["--key-base64-rijndael", wire.text_of(wire.KEY), "--key-base64-hmac", wire.text_of(wire.HMAC_KEY), "--use-hmac"]
    send = ["-A", "tcp/22", "-a", "10.9.0.2", "-D", bed.lab.gateway.address, "--no-save-args", *keys]
    whole_process(bed, "fwknop, Rijndael and HMAC over UDP", [(name, [path, *send]) for name, path in bed.fwknop], "<= 2.6")
    knock = [bed.lab.gateway.address, *(str(port) for port in range(7000, 7010))]
    whole_process(bed, "knock, 10 ports", [(name, [path, *knock]) for name, path in bed.knock])
    whole_process(bed, "fork, exec and end of /bin/true", [("ours", ["/bin/true"]), ("peer", ["/bin/true"])])


def rows(bed):
    return {"clients": lambda: clients(bed)}
