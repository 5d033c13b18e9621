# SPDX-License-Identifier: GPL-2.0-or-later
"""fwknopd: refusing, starting, reading its files, doing nothing."""
import base64
import hashlib
import random
import time

import meters
import wire

READY = "Starting fwknopd main event loop"


def stanza(source="ANY", key=wire.KEY, hmac_key=wire.HMAC_KEY, timeout_s=30):
    return (f"SOURCE {source}\nKEY_BASE64 {wire.text_of(key)}\nHMAC_KEY_BASE64 {wire.text_of(hmac_key)}\n"
            f"FW_ACCESS_TIMEOUT {timeout_s}\n\n")


def many_stanzas(count, own_sources=False):
    keys = random.Random(count)
    return "".join(stanza(wire.address("10.20.0.0", i) if own_sources else "ANY", keys.randbytes(32), keys.randbytes(64))
                   for i in range(count))


def configure(lab, access, **directives):
    """Both files; the digest cache is where the caller puts it, else new."""
    folder = lab.dir / f"fwknopd.{configure.count}"
    configure.count += 1
    values = {"PCAP_INTF": lab.gateway.interface, "FWKNOP_RUN_DIR": folder / "run", "DIGEST_FILE": folder / "digest.cache", **directives}
    conf = lab.write(f"{folder.name}/fwknopd.conf", "".join(f"{name} {value};\n" for name, value in values.items()))
    return conf, lab.write(f"{folder.name}/access.conf", access)


configure.count = 0


def clean(lab):
    for table in ("filter", "nat", "mangle"):
        for action in ("-F", "-X"):
            lab.gateway.iptables("-t", table, action)


def start(lab, path, access, *options, **directives):
    clean(lab)
    conf, access_file = configure(lab, access, **directives)
    daemon = lab.gateway.spawn(path, "-f", "-c", conf, "-a", access_file, *options)
    daemon.wait_for_line("Kicking off UDP server" if "-U" in options else READY, limit_s=60)
    time.sleep(0.3)
    return daemon


def junk_cost(bed, row, access, target, source=None, counts=(2000, 12000), digests=0):
    """CPU for one junk packet: a long capture file against a short one. By implementation."""
    frames = [wire.udp_frame(bed.sender.mac, source or "10.77.1.2", bed.sender.target, 62201, packet) for packet in wire.junk(counts[1])]
    result = {}
    for name, path in bed.fwknopd:
        used = []
        for count in counts:
            file = bed.lab.dir / "junk.pcap"
            wire.write_capture(file, frames[:count])
            more = {"DIGEST_FILE": write_digests(bed, digests)} if digests else {}
            conf, access_file = configure(bed.lab, access, PCAP_LOOP_SLEEP=1, **more)
            clean(bed.lab)
            # The packet limit ends the daemon: the peer would go on polling the file.
            _, cpu = meters.run_timed([path, "-f", "-c", conf, "-a", access_file, "--pcap-file", file, "-C", str(count)],
                                      orphans=True, preexec_fn=bed.lab.gateway._enter_child)
            used.append(cpu * 1e3)
        result[name] = (used[1] - used[0]) / (counts[1] - counts[0])
        bed.report.add(row, "us CPU", name, result[name], target)
    return result


def write_digests(bed, count):
    path = bed.lab.dir / f"digests.{count}"
    if not path.exists():
        lines = ["# <digest> <proto> <src_ip> <src_port> <dst_ip> <dst_port> <time>"]
        for i in range(count):
            digest = base64.b64encode(hashlib.sha256(str(i).encode()).digest()).decode().rstrip("=")
            lines.append(f"{digest} 17 10.1.2.3 40000 10.9.0.1 62201 1767225600")
        bed.lab.write(path.name, "\n".join(lines) + "\n")
    return path


def refusing(bed):
    junk_cost(bed, "junk packet, 1 stanza", stanza(), "<= 1.5", counts=(10000, 110000) if not bed.is_quick else (2000, 22000))
    junk_cost(bed, "junk packet, 1000 stanzas with a source each", many_stanzas(1000, True), "<= 2",
              source=wire.address("10.20.0.0", 999), counts=(5000, 55000))
    junk_cost(bed, "junk packet, 100,000 digests cached", stanza(), "as with none", counts=(1000, 4000), digests=100000)


def honoured(bed, rates, seconds=4):
    """Which part of the valid packets (ten a second) becomes a rule within five seconds while junk arrives?"""
    frames = [wire.udp_frame(bed.sender.mac, "10.50.0.1", bed.sender.target, 62201, packet) for packet in wire.junk(5000)]
    points = {}
    for rate in rates:
        for name, path in bed.fwknopd:
            addresses = [wire.address("10.91.9.1", i) for i in range(seconds * 10)]
            packets = wire.make_packets(bed.client, bed.lab.dir, addresses)
            daemon = start(bed.lab, path, stanza(timeout_s=300))
            events, sent = meters.RuleEvents(bed.lab.gateway), {}
            flood = bed.sender.flood(frames, rate, seconds + 0.5)
            for address, packet in zip(addresses, packets):
                time.sleep(0.1)
                sent[address] = time.monotonic()
                bed.sender.spa(packet)
            reached = flood.wait()
            came = events.wait(events.came, addresses, 5)
            good = [at for address, at in zip(addresses, came) if at and at - sent[address] <= 5]
            share = 100 * len(good) / len(addresses)
            bed.report.add(f"valid packets honoured under {rate} junk packets a second", "%", name, share, ">= 99")
            if reached < 0.9 * rate:
                bed.report.note(f"the sender reached {reached:.0f} instead of {rate} packets a second ({name})")
            points.setdefault(name, []).append((rate, 100 - share))
            events.close()
            daemon.stop()
    bed.plot("loss", "valid SPA packets lost under junk", "junk packets a second", "% lost", points)


def idle(bed, seconds=10):
    for name, path in bed.fwknopd:
        daemon = start(bed.lab, path, stanza())
        time.sleep(4)  # after the one look at the rules that follows the start
        wakeups, started, cpu = meters.wakeups(daemon.pid), meters.programs_started(), meters.cpu_us(daemon.pid)
        time.sleep(seconds)
        bed.report.add("idle fwknopd: wake-ups", "1/s", name, (meters.wakeups(daemon.pid) - wakeups) / seconds, "0")
        bed.report.add("idle fwknopd: programs started", "1/s", name, (meters.programs_started() - started) / seconds, "0")
        bed.report.add("idle fwknopd: CPU", "us/s", name, (meters.cpu_us(daemon.pid) - cpu) / seconds, "0")
        bed.report.add("idle fwknopd: private memory", "KiB", name, meters.private_kib(daemon.pid), "<= 4096")
        daemon.stop()


def starting(bed, starts=8):
    for _ in range(starts):
        for name, path in bed.fwknopd:
            clean(bed.lab)
            conf, access = configure(bed.lab, stanza())
            begin = time.monotonic()
            daemon = bed.lab.gateway.spawn(path, "-f", "-c", conf, "-a", access)
            while READY not in daemon.text() and time.monotonic() - begin < 30:
                time.sleep(0.0005)
            bed.report.add("fwknopd: start to main loop", "ms", name, (time.monotonic() - begin) * 1e3, "<= 40")
            begin = time.monotonic()
            daemon.stop()
            bed.report.add("fwknopd: SIGTERM to exit", "ms", name, (time.monotonic() - begin) * 1e3)


def reading(bed):
    """Configurations and replay caches: runs that end behind them, above runs with nothing to read."""
    parse, cache = "--exit-parse-config", "--exit-parse-digest-cache"
    one = configure(bed.lab, stanza())
    whole_runs(bed, "fwknopd --exit-parse-config, one stanza", None, one, parse)
    for count, target in ((1000, "<= 5"), (10000, "<= 50")):
        whole_runs(bed, f"{count} stanzas parsed, above one", target, configure(bed.lab, many_stanzas(count)), parse, above=one)
    for count, target in ((10000, "<= 4"), (1000000, "<= 400")) if not bed.is_quick else ((10000, "<= 4"),):
        full = configure(bed.lab, stanza(), DIGEST_FILE=write_digests(bed, count))
        whole_runs(bed, f"digest.cache of {count} lines, above an empty one", target, full, cache, above=one)


def whole_runs(bed, row, target, files, option, above=None, runs=8):
    for _ in range(runs):
        for name, path in bed.fwknopd:
            took = [meters.run_timed([path, "-f", "-c", conf, "-a", access, option]) for conf, access in filter(None, (files, above))]
            wall, cpu = took[0] if above is None else (took[0][i] - took[1][i] for i in range(2))
            bed.report.add(row, "ms", name, wall, target)
            bed.report.add(row + ": CPU", "ms", name, cpu)


def memory(bed, count=10000):
    """The highest resident size of the process that reads the configuration, and of all processes of the daemon."""
    for name, path in bed.fwknopd:
        daemon = start(bed.lab, path, many_stanzas(count))
        bed.report.add(f"{count} stanzas: peak memory of the process that reads them", "MiB", name,
                       meters.peak_kib(daemon.pid, [daemon.pid]) / 1024, "<= 40")
        bed.report.add(f"{count} stanzas: private memory of all processes", "MiB", name, meters.private_kib(daemon.pid) / 1024)
        daemon.stop()


def stanza_curve(bed):
    """CPU for one junk packet against the number of stanzas that it may be for."""
    points = {}
    for count in (10, 100, 1000) if bed.is_quick else (10, 100, 1000, 5000):
        used = junk_cost(bed, f"junk packet, {count} stanzas SOURCE ANY", many_stanzas(count), "<= 350" if count == 1000 else None,
                         counts=(max(20, 20000 // count), max(120, 240000 // count)))
        for name, value in used.items():
            points.setdefault(name, []).append((count, value))
    bed.plot("stanzas", "CPU for one junk packet", "stanzas with SOURCE ANY", "us", points, log_y=True)


def rows(bed):
    return {
        "refusing": lambda: refusing(bed),
        "stanzas": lambda: stanza_curve(bed),
        "honoured": lambda: honoured(bed, (1000, 20000) if bed.is_quick else (1000, 5000, 20000, 100000)),
        "idle": lambda: idle(bed),
        "starting": lambda: starting(bed),
        "reading": lambda: reading(bed),
        "memory": lambda: memory(bed),
    }
