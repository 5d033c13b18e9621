# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd: knocks to commands, many knockers, many doors, floods, doing nothing."""
import random
import time

import meters
import wire

READY = "listening on"


def door(index, sequence, command, timeout_s=60):
    return (f"[door{index}]\n  sequence = {sequence}\n  seq_timeout = {timeout_s}\n  tcpflags = syn\n  command = {command}\n\n")


def many_doors(count):
    return "[options]\n" + "".join(door(i, ",".join(str(1000 + 3 * i + k) for k in range(3)), "/bin/true", 600) for i in range(count))


def start(lab, path, text, limit_s=60):
    conf = lab.write(f"knockd.{start.count}.conf", text)
    start.count += 1
    begin = time.monotonic()
    daemon = lab.gateway.spawn("stdbuf", "-oL", path, "-v", "-c", conf, "-i", lab.gateway.interface)
    while READY not in daemon.text():
        if not daemon.alive() or time.monotonic() - begin > limit_s:
            daemon.stop(9)
            return None, None
        time.sleep(0.001)
    took = time.monotonic() - begin
    time.sleep(0.3)
    return daemon, took


start.count = 0


def one_door(out):
    return "[options]\n" + door(0, "7000,8000,9000", f"echo %IP% >> {out}")


def lines_of(path):
    return path.read_text().split() if path.exists() else []


def latency(bed, trials=20):
    out = bed.lab.dir / "knocked"
    for name, path in bed.knockd:
        daemon, _ = start(bed.lab, path, one_door(out))
        for trial in range(trials):
            out.unlink(missing_ok=True)
            source = wire.address("10.70.0.1", trial)
            for port in (7000, 8000):
                bed.sender.syn(source, port)
                time.sleep(0.005)
            time.sleep(random.uniform(0.05, 0.15))
            begin = time.monotonic()
            bed.sender.syn(source, 9000)
            while not lines_of(out) and time.monotonic() - begin < 5:
                time.sleep(0.0002)
            bed.report.add("last knock to command", "ms", name, (time.monotonic() - begin) * 1e3, "<= 3")
        daemon.stop()


def interleaved(bed, count=500):
    out = bed.lab.dir / "knocked"
    for name, path in bed.knockd:
        out.unlink(missing_ok=True)
        daemon, _ = start(bed.lab, path, one_door(out))
        sources = [wire.address("10.71.0.1", i) for i in range(count)]
        for port in (7000, 8000, 9000):
            for source in sources:
                bed.sender.syn(source, port)
        begin = time.monotonic()
        while len(set(lines_of(out))) < count and time.monotonic() - begin < 5:
            time.sleep(0.02)
        bed.report.add(f"{count} knockers interleaved: commands run", "commands", name, len(set(lines_of(out))), str(count))
        daemon.stop(9)


def pending(bed):
    """CPU for one more first knock when so many attempts are under way."""
    points = {}
    for count in (1000, 20000) if bed.is_quick else (1000, 20000, 60000):
        for name, path in bed.knockd:
            if count > 20000 and name != "ours":
                continue
            daemon, _ = start(bed.lab, path, one_door(bed.lab.dir / "knocked"))
            bed.sender.flood([wire.syn_frame(bed.sender.mac, wire.address("10.60.0.1", i), bed.sender.target, 7000) for i in range(count)],
                             count / 4, 4).wait()
            before = meters.wait_until_idle(daemon.pid)
            more = [wire.syn_frame(bed.sender.mac, wire.address("10.62.0.1", i), bed.sender.target, 7000) for i in range(2000)]
            bed.sender.flood(more, 1000, 2).wait()
            used = (meters.wait_until_idle(daemon.pid) - before) / len(more)
            bed.report.add(f"first knock with {count} attempts pending", "us CPU", name, used, "flat")
            points.setdefault(name, []).append((count, used))
            daemon.stop(9)
    bed.plot("pending", "CPU for one knock", "attempts pending", "us", points, log_y=True)


def honoured(bed, rate=20000, seconds=4):
    out = bed.lab.dir / "knocked"
    crowd = [wire.syn_frame(bed.sender.mac, wire.address("10.50.0.1", i), bed.sender.target, 7000) for i in range(60000)]
    for name, path in bed.knockd:
        out.unlink(missing_ok=True)
        daemon, _ = start(bed.lab, path, one_door(out).replace("seq_timeout = 60", "seq_timeout = 5"))
        flood = bed.sender.flood(crowd, rate, seconds + 1)
        sources = [wire.address("10.92.0.1", i) for i in range(seconds * 5)]
        for source in sources:
            for port in (7000, 8000, 9000):
                bed.sender.syn(source, port)
                time.sleep(0.05)
            time.sleep(0.05)
        reached = flood.wait()
        begin = time.monotonic()
        while not set(sources) <= set(lines_of(out)) and time.monotonic() - begin < 5:
            time.sleep(0.05)
        share = 100 * len(set(sources) & set(lines_of(out))) / len(sources)
        bed.report.add(f"knocks honoured under {rate} first knocks a second", "%", name, share, "100")
        if reached < 0.9 * rate:
            bed.report.note(f"the sender reached {reached:.0f} instead of {rate} knocks a second ({name})")
        daemon.stop(9)


def doors(bed):
    points = {}
    for count in (1, 100) if bed.is_quick else (1, 100, 500, 1000, 4000):
        for name, path in bed.knockd:
            if count > 1000 and name != "ours":
                continue
            daemon, took = start(bed.lab, path, many_doors(count), limit_s=120)
            if daemon is None:
                bed.report.note(f"knockd with {count} doors did not start ({name})")
                continue
            bed.report.add(f"knockd: start with {count} doors", "ms", name, took * 1e3, "<= 50" if count == 1000 else None)
            bed.report.add(f"knockd: peak memory with {count} doors", "KiB", name, meters.peak_kib(daemon.pid), "<= 12288" if count == 1000 else None)
            points.setdefault(name, []).append((count, took * 1e3))
            before = meters.wait_until_idle(daemon.pid)
            sent = bed.sender.flood([wire.syn_frame(bed.sender.mac, "10.50.0.1", bed.sender.target, 60001)], 20000, 1).wait()
            used = (meters.wait_until_idle(daemon.pid) - before) / sent
            bed.report.add(f"knockd: own CPU for a packet of no door, {count} doors", "us CPU", name, used, "0")
            daemon.stop(9)
    bed.plot("doors", "knockd: start to listening", "doors", "ms", points, log_y=True)


def idle(bed, seconds=10):
    for name, path in bed.knockd:
        daemon, _ = start(bed.lab, path, one_door("/dev/null"))
        time.sleep(1)
        wakeups = meters.wakeups(daemon.pid)
        time.sleep(seconds)
        bed.report.add("idle knockd: wake-ups", "1/s", name, (meters.wakeups(daemon.pid) - wakeups) / seconds, "0")
        bed.report.add("idle knockd: private memory", "KiB", name, meters.private_kib(daemon.pid), "<= 4096")
        daemon.stop()


def rows(bed):
    return {
        "knock-latency": lambda: latency(bed),
        "interleaved": lambda: interleaved(bed),
        "pending": lambda: pending(bed),
        "knock-honoured": lambda: honoured(bed),
        "doors": lambda: doors(bed),
        "knockd-idle": lambda: idle(bed),
    }
