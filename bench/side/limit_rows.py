# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine itself takes for what the daemons cannot do without."""
import json
import os
import subprocess
import time

import wire

OURS = "ours"  # there is no peer: the column is the machine's


def library_calls(bed):
    """libgcrypt, timed by our micro benchmarks; `make bench/micro` builds them."""
    micro = os.path.join(bed.build, "bench", "micro")
    if not os.path.exists(micro):
        bed.report.note("limits of libgcrypt: no bench/micro; `make bench/micro` builds it")
        return
    done = subprocess.run([micro, "--benchmark_filter=^limit/", "--benchmark_format=json", "--benchmark_min_time=0.2"],
                          capture_output=True, text=True, check=True)
    for one in json.loads(done.stdout)["benchmarks"]:
        bed.report.add("limit: " + one["name"].removeprefix("limit/").replace("_", " "), "us", OURS, one["cpu_time"] / 1e3)


def capture_file(bed, count=50000):
    frame = wire.udp_frame(bed.sender.mac, "10.77.1.2", bed.sender.target, 62201, b"x" * wire.JUNK_BYTES)
    path = bed.lab.dir / "limit.pcap"
    wire.write_capture(path, [frame] * count)
    for _ in range(5):
        begin = time.monotonic()
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
        bed.report.add("limit: reading a capture file, one packet", "us", OURS, (time.monotonic() - begin) * 1e6 / count)
    path.unlink()


def programs(bed, runs=60):
    rule = ["FWKNOP_LIMIT", "-p", "6", "-s", "10.91.0.1", "--dport", "22", "-m", "comment", "--comment", "_exp_1", "-j", "ACCEPT"]
    iptables = "/usr/sbin/iptables"
    commands = {
        "fork, exec and end of /bin/true": ["/bin/true"],
        "fork, exec and end of sh -c :": ["/bin/sh", "-c", ":"],
        "one iptables -A": [iptables, "-A", *rule],
        "one iptables -D, grace period of the kernel included": [iptables, "-D", *rule],
    }
    quiet = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_WRONLY, 0) for number in (1, 2)]
    bed.lab.gateway.iptables("-N", "FWKNOP_LIMIT")
    for _ in range(runs):
        for name, argv in commands.items():
            with bed.lab.gateway:
                begin = time.monotonic()
                pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=quiet)
                os.waitpid(pid, 0)
                took = time.monotonic() - begin
            bed.report.add("limit: " + name, "ms", OURS, took * 1e3)
    bed.lab.gateway.iptables("-X", "FWKNOP_LIMIT")


def limits(bed):
    library_calls(bed)
    capture_file(bed)
    programs(bed)


def rows(bed):
    return {"limits": lambda: limits(bed)}
