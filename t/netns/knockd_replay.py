# SPDX-License-Identifier: GPL-2.0-or-later
"""knockd on capture files: one-time sequences, commands, packets of all kinds (spec/knockd.md 10.3, 10.4 and 10.5)."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, program
from knock_packets import ACK, COOKED, ETHERNET, RAW, SYN, TCP, cooked, ethernet, ip, tcp, udp, write_capture
from lab import Lab

CLIENT, CLIENT6 = "10.9.0.10", "fd00:9::10"
LINKS = {ETHERNET: ethernet, COOKED: cooked, RAW: bytes}


def packets(lab, text, step=0.1):
    """`PORT[u][/ack][@SOURCE]`, `=SECONDS`, `+` (a pause) -> (second, packet); @6 is an IPv6 source, @N one of IPv4."""
    now, found = 0.0, []
    for word in text.split():
        if word == "+":
            now += 1
            continue
        if word[0] == "=":
            now = float(word[1:])
            continue
        number, is_udp, flag, source = re.fullmatch(r"(\d+)(u?)(/ack)?(?:@(\S+))?", word).groups()
        source = CLIENT6 if source == "6" else f"10.9.0.{source}" if (source or "10").isdigit() and source else source or CLIENT
        target = lab.gateway.address6 if ":" in source else lab.gateway.address
        found.append((now, ip(source, target, udp(int(number)) if is_udp else tcp(int(number), ACK if flag else SYN))))
        now = round(now + step, 3)
    return found


def replay(lab, conf, frames, *args, link=ETHERNET, status=0):
    """(standard output without the lines of start and end, standard error, log without times)."""
    lab.write("conf", conf.replace("@", str(lab.dir)))
    write_capture(lab.dir / "capture", [(second, frame if is_frame else LINKS[link](frame))
                                        for second, frame, *is_frame in frames], link)
    (lab.dir / "log").unlink(missing_ok=True)
    done = lab.gateway.run(program("knockd"), "-c", lab.dir / "conf", "-i", lab.gateway.interface, "-g", lab.dir / "log", "-v",
                           "--replay", lab.dir / "capture", *args, check=False)
    check_equal(done.returncode, status, done.stderr)
    ends = ("listening on ", "waiting for child processes...", "closing...")
    out = [line for line in done.stdout.splitlines() if not line.startswith(ends)]
    log = lab.dir / "log"
    lines = [re.sub(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d\] ", "", line) for line in log.read_text().splitlines()] if log.exists() else []
    check("" not in lines, "an empty line in the log")
    return out, done.stderr, [line for line in lines if not line.startswith(("starting up", "shutting down"))]


def events(lines):
    """Stage and opening lines as tokens: `10.9.0.10: D: Stage 1` -> `D1`, `D!`, with @N for other sources."""
    found = []
    for line in lines:
        match = re.fullmatch(r"(\S+): (\w+): (?:Stage (\d+)|(OPEN SESAME)|sequence timeout \(stage (\d+)\))", line)
        if match:
            source, door, stage, is_open, timeout = match.groups()
            suffix = "" if source == CLIENT else "@6" if source == CLIENT6 else "@" + source.rpartition(".")[2]
            found.append(door + (stage or ("!" if is_open else ":to" + timeout)) + suffix)
    return " ".join(found)


# --- one-time sequences: file, hits, events, file afterwards, standard error, further lines of the door, doors before
LAST = "no more sequences left in the one time sequences file for door D --> disabling the door\n"
BAD = "config: section D: port 70000 is invalid\n"
OPENS = "D1 D2 D!"
FAR = ("#" + "x" * 60 + "\n") * 100
ONE_TIME = {
    "O1": (" 7000,7001\n 8000,8001\n", "7000 7001 + 7000 7001", OPENS, "#7000,7001\n 8000,8001\n"),
    "O2": (" 7000,7001\n 8000,8001\n 9000,9001\n", "7000 7001 + 8000 8001 + 9000 9001", " ".join([OPENS] * 3),
           "#7000,7001\n#8000,8001\n#9000,9001\n", LAST),
    "O3": ("7000,7001\n8000,8001\n", "7000 7001", OPENS, "#000,7001\n8000,8001\n"),
    "O4": (" 7000,7001,7002\n 8000,8001,8002,8003\n", "7000 7001 7002 8003", "D1 D2 D3 D!", "#7000,7001,7002\n 8000,8001,8002,8003\n"),
    "O5": (" 7000,7001,7002\n 8000,8001,8002\n", "7000@11 7000 7001 7001@11 7002 8002@11", "D1@11 D1 D2 D2@11 D3 D!",
           "#7000,7001,7002\n 8000,8001,8002\n"),
    "O6": (" 70000,1\n 7000,7001\n 8000,8001\n", "7000 7001 + 7000 7001", OPENS, " 70000,1\n#7000,7001\n 8000,8001\n", BAD),
    "O7": (" 7000,7001\n 8000,8001\n", "7000@6 7001@6 + 8000@6 8001@6", "D1@6 D2@6 D!@6 D1@6 D2@6 D!@6",
           "#7000,7001\n#8000,8001\n", LAST),
    "O8": (" 7000,7001,7002\n 7000,7001,8002\n", "7000 7001 7002", "D1 D2 D3 D!", "#7000,7001,7002\n 7000,7001,8002\n"),
    "O9": (" 7000,7001\n 8000,8001\n", "9000 + 7000 7001", f"D1 D! {OPENS}", "#7000,7001\n 8000,8001\n", "", "sequence=9000\n"),
    "O10": (FAR + " 7000,7001\n" + FAR + " 8000,8001\n 9000,9001\n", "7000 7001 + 8000 8001", f"{OPENS} {OPENS}",
            FAR + "#7000,7001\n" + FAR + "#8000,8001\n 9000,9001\n"),
    "O11": (" 7000,7001\n", "7000 7001 + 5000 5001", f"{OPENS} E1 E2 E!", "#7000,7001\n", LAST, "",
            "[E]\nsequence=5000,5001\ntcpflags=syn\n"),
}


def test_one_time_sequences(lab):
    for name, (text, hits, wanted, after, *more) in ONE_TIME.items():
        error, extra, before = (*more, "", "", "")[:3]
        lab.write("S", text)
        conf = f"{before}[D]\none_time_sequences=@/S\n{extra}tcpflags=syn\ncommand=echo %IP% >> @/out\n"
        out, said, _ = replay(lab, conf, packets(lab, hits))
        check_equal((events(out), (lab.dir / "S").read_text(), said), (wanted, after, error), name)


# --- commands: directives, hits, lines after OPEN SESAME, contents of `out`, standard error
def ran(command):
    return f"d: running command: {command}"


def status(number):
    return f"d: command returned non-zero status code ({number})"


TIMEOUT = f"{CLIENT}: d: command timeout"
LONG = ": " + "%IP%" * 400 + "z" * (4095 - 2 - 3600)
COMMANDS = {
    "X1": ("command=echo %IP%%IP% %ip% %% %IP >> @/out", "7000", [ran("echo 10.9.0.1010.9.0.10 %ip% %% %IP >> @/out")],
           "10.9.0.1010.9.0.10 %ip% %% %IP\n"),
    "X2": ("command=echo A >> @/out\ncmd_timeout=1\nstop_command=echo B >> @/out", "7000",
           [ran("echo A >> @/out"), TIMEOUT, ran("echo B >> @/out")], "A\nB\n"),
    "X4": ("command=exit 300", "7000", [ran("exit 300"), status(44)], ""),
    "X5": ("command=kill -9 $$", "7000", [ran("kill -9 $$"), status(137)], ""),
    "X6": ("command=false\ncmd_timeout=0\nstop_command=echo B >> @/out; exit 4", "7000",
           [ran("false"), status(1), TIMEOUT, ran("echo B >> @/out; exit 4"), status(4)], "B\n"),
    "X7": ("command=\ncmd_timeout=0\nstop_command=echo B >> @/out", "7000", [], ""),
    "X9": ("command=echo A >> @/out\ncmd_timeout=0\nstop_command=", "7000", [ran("echo A >> @/out")], "A\n"),
    "X10": ("command=echo %IP% >> @/out", "7000@6", [ran(f"echo {CLIENT6} >> @/out")], CLIENT6 + "\n"),
    "X11": ("command=echo A >> @/out\ncommand_6=echo C >> @/out\ncmd_timeout=0\nstop_command=echo B >> @/out", "7000@6",
            [ran("echo C >> @/out"), f"{CLIENT6}: d: command timeout", ran("echo B >> @/out")], "C\nB\n"),
    "X13": ("command=echo A >> @/out\ncommand_6=\ncmd_timeout=0\nstop_command=echo B >> @/out", "7000@6", [], ""),
    "X16": (f"command={LONG}", "7000", [ran(LONG.replace("%IP%", CLIENT))], ""),
    "X17": (f"command={LONG}z", "7000", ["error: parsed start command has been truncated! --> won't execute it"], ""),
    "X18": (f"command=echo A >> @/out\nstop_command={LONG}z", "7000",
            ["error: parsed stop command has been truncated! --> won't execute start command"], ""),
}


def test_commands(lab):
    for name, (directives, hits, wanted, contents) in COMMANDS.items():
        (lab.dir / "out").unlink(missing_ok=True)
        out, said, log = replay(lab, f"[d]\nsequence=7000\ntcpflags=syn\n{directives}\n", packets(lab, hits))
        wanted = [line.replace("@", str(lab.dir)) for line in wanted]
        on_error = [line for line in wanted if "status code" in line or line.startswith("error: ")]
        check_equal(out[2:], [line for line in wanted if line not in on_error], name)
        check_equal([line for line in said.splitlines() if "warning:" not in line], on_error, name)
        check_equal(log[2:], [line.encode()[:1023].decode() for line in wanted], name)
        check_equal((lab.dir / "out").read_text() if (lab.dir / "out").exists() else "", contents, name)


def test_stop_commands_keep_their_time(lab):
    stamp = "date +%s.%N >> @/out"
    replay(lab, f"[d]\nsequence=7000\ncommand={stamp}\ncmd_timeout=1\nstop_command={stamp}\n", packets(lab, "7000"))
    begin, end = map(float, (lab.dir / "out").read_text().split())
    check(end - begin >= 0.95, f"{end - begin}")


def test_the_shell_writes_where_knockd_writes(lab):
    out, said, _ = replay(lab, "[d]\nsequence=7000\ncommand=echo out; echo err >&2\n", packets(lab, "7000"))
    check_equal((out[-1], said), ("out", "err\n"))


# --- packets: which of them count as a hit at port 7000, before a plain one at 8000
def test_packets_of_all_kinds(lab):
    to, to6 = lab.gateway.address, lab.gateway.address6
    extension = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    rows = {
        "IPv4 options": (ip(CLIENT, to, tcp(7000), options=b"\1\1\1\0"), True),
        "first fragment": (ip(CLIENT, to, tcp(7000), fragment=0x2000), True),
        "later fragment": (ip(CLIENT, to, tcp(7000), fragment=2), False),
        "hop-by-hop": (ip(CLIENT6, to6, tcp(7000), extension=extension, next_header=0), False),
        "destination options": (ip(CLIENT6, to6, tcp(7000), extension=extension, next_header=60), False),
        "fragment header": (ip(CLIENT6, to6, tcp(7000), extension=bytes([6, 0, 0, 1, 0, 0, 0, 1]), next_header=44), False),
        "short TCP header": (ip(CLIENT, to, (TCP, b"\x9c\x40\x1b\x58")), False),
        "broadcast": (ip(CLIENT, "10.9.0.255", tcp(7000)), False),
    }
    for flags in ("tcpflags=syn\n", ""):
        for name, (packet, is_hit) in rows.items():
            second = packets(lab, "=0.1 8000@6" if packet[0] >> 4 == 6 else "=0.1 8000")
            out, _, _ = replay(lab, f"[d]\nsequence=7000,8000\n{flags}", [(0, packet), *second])
            check_equal("OPEN SESAME" in "\n".join(out), is_hit, name + flags)


def test_frames_that_are_none_of_ours(lab):
    plain = ip(CLIENT, lab.gateway.address, tcp(7000))
    for name, frame in (("VLAN", ethernet(b"\0\5\x08\0" + plain, 0x8100)), ("ether type", ethernet(plain, 0x88b5)),
                        ("nothing", b""), ("cut", ethernet(plain)[:40])):
        out, said, _ = replay(lab, "[d]\nsequence=7000\n", [(0, frame, True)])
        check_equal((out, said), ([], ""), name)


def test_link_types(lab):
    for link in (COOKED, RAW):
        for hits in ("7000 8000", "7000@6 8000@6"):
            out, said, _ = replay(lab, "[d]\nsequence=7000,8000\ntcpflags=syn\n", packets(lab, hits), link=link)
            check_equal((out[-1].partition(": ")[2], said), ("d: OPEN SESAME", ""))
    for link in (0, 105, 276):
        LINKS[link] = bytes
        _, said, _ = replay(lab, "[d]\nsequence=7000\n", [], link=link, status=1)
        check_equal(said, f"error: unsupported link-layer type: {link}\n")


def test_targets(lab):
    for target, hits, is_open in (("FD00:77:0::5", "fd00:77::5", True), ("10.5.5.5", "10.5.5.5", True),
                                  ("10.5.5.5", lab.gateway.address, False)):
        source = CLIENT6 if ":" in hits else CLIENT
        out, _, _ = replay(lab, f"[d]\nsequence=7000\ntcpflags=syn\ntarget={target}\n", [(0, ip(source, hits, tcp(7000)))], "-4")
        check_equal(bool(out), is_open, target)
    out, said, _ = replay(lab, "[d]\nsequence=7000\ntarget=host.example\n", packets(lab, "7000"))
    check_equal((out, said), ([], 'config: line 3: "host.example" is not an IP address --> disabling the door\n'))


def test_debug_lines(lab):
    out, _, _ = replay(lab, "[A]\nsequence=7000,8000\ntcpflags=syn\n[B]\nsequence=7000,8000\ntcpflags=ack\n",
                       packets(lab, "7000 7000/ack 8000/ack 8000"), "-D")
    out = [line for line in out if not line.startswith(("config: ", "local IP: ", "adding pcap", "ethernet"))]
    check_equal([re.sub(r"^.*: tcp: (\S+) -> \S+:(\d+) (\d+) bytes", r"\1 \2 \3", line) for line in out], [
        "10.9.0.10:40000 7000 54", "10.9.0.10: A: Stage 1", "packet is not ACK, ignoring...",
        "10.9.0.10:40000 7000 54", "packet is not SYN, ignoring...",
        "10.9.0.10:40000 8000 54", "packet is not SYN, ignoring...",
        "10.9.0.10:40000 8000 54", "10.9.0.10: A: Stage 2", "10.9.0.10: A: OPEN SESAME"])
    check(out[0].startswith("2023-11-14 22:13:20: "), out[0])


def test_a_full_table_of_attempts(lab):
    """The oldest makes room, which is told once; knocks of the others go on."""
    sources = [f"10.{64 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(65536 + 50)]
    frames = [(0, ip(source, lab.gateway.address, tcp(7000))) for source in sources]
    frames += [(1, ip(source, lab.gateway.address, tcp(8000))) for source in (sources[0], sources[-1])]
    out, _, log = replay(lab, "[d]\nsequence=7000,8000\ntcpflags=syn\n", frames)
    check_equal([line for line in out if "Stage 1" not in line], [f"{sources[-1]}: d: Stage 2", f"{sources[-1]}: d: OPEN SESAME"])
    check_equal([line for line in log if "too many" in line], ["too many knock attempts: 1 of the oldest dropped"])


def test_timeouts_and_names(lab):
    lab.write("hosts", "127.0.0.1 localhost\n10.9.0.10 knocker.example\n10.9.0.11 a:OPEN(SESAME)\n", mode=0o644)
    lab.gateway.run("mount", "--bind", lab.dir / "hosts", "/etc/hosts")
    out, _, log = replay(lab, "[d]\nsequence=7000,8000\nseq_timeout=5\n", packets(lab, "=0 7000 =9 8000"), "-l")
    foul, _, _ = replay(lab, "[d]\nsequence=7000,8000\n", packets(lab, "7000@11"), "-l")
    lab.gateway.run("umount", "/etc/hosts")
    check_equal(foul, ["10.9.0.11: d: Stage 1"], "a name that could fool the reader of a log")
    check_equal(out, ["10.9.0.10 (knocker.example): d: Stage 1", "10.9.0.10 (knocker.example): d: sequence timeout (stage 1)"])
    check_equal(log, out)


if __name__ == "__main__":
    main(Lab)
