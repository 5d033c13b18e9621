# SPDX-License-Identifier: GPL-2.0-or-later
"""Random knockd.conf files, and those of tutorials: Debian's knockd and ours understand, or refuse, the same.

SEED= makes others. Left out is what doc/DEVIATIONS.md lists: ports, timeouts and targets that are none, lines that are too
long. Our warnings, which the peer does not have, are left out of what is compared.
"""
import difflib
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_root, peer, program

CASES = 300
COMMANDS = ["/sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT", "ufw insert 1 allow from %IP% to any port 22 # ssh", "",
            "nft add element inet filter knocked { %IP% timeout 60s }", "ipset add -exist ssh %IP%; logger -t knockd 'opened: %IP%'",
            '"/usr/local/bin/my script" "%IP%"', "sh -c 'a; b' \\", "echo \u00fc\u20ac", "a=b c=d [x]", "=", "[x]", "#x", "; x", "%s%n"]
SECONDS = ["5", "0", "010", "+7", "15s", "1.5", "2147483647", "10 # ten"]
ITEMS = ["7000", "7000:tcp", "8000:udp", "22:UDP", " 9000 ", "1: Tcp ", "+80", "0", "007", "65535", "80.5", "2222:udp:x", "12ab"]
BAD_ITEMS = ["70000", "65536:udp", "1:icmp", "1:", "1:tcpx"]
DOOR = {
    "TCPFlags": ["syn", "SYN", "syn,!ack", "fin,!fin", "psh,urg,rst"], "Target": ["10.1.2.3", "fd00::5"], "Command": COMMANDS,
    "Start_Command": COMMANDS, "Stop_Command": COMMANDS, "Command_6": COMMANDS, "Start_Command_6": COMMANDS, "Stop_Command_6": COMMANDS,
    "Seq_Timeout": SECONDS, "Timeout": SECONDS, "Cmd_Timeout": SECONDS,
}
OPTIONS = {"LogFile": ["knockd.log", "", "log file", "/nonexistent/log"], "PidFile": ["/run/knockd.pid", ""],
           "Interface": ["eth0", "eth0.100", "br-lan", "enp3s0", "eth0:1", "wg0", "x" * 40]}
BAD_LINES = ["; comment", "Foo = 1", "nonsense", "UseSyslog = 1", "tcpflags = syn, ack", "tcpflags =", "tcpflags = push", "= 5", "[]",
             "seq uence = 1", "[d] # door", "sequence", "Interfaces = eth0", "one_time_sequences = /nonexistent/x", "sequence : 1"]
NAMES = ["openSSH", "closeSSH", "d", "my door", "a]b", "a:b", " x ", "Options", "[n]", "100%", "T\u00fcr", "n" * 127]
TUTORIALS = {
    "debian": """[options]\n\tUseSyslog\n\n[openSSH]\n\tsequence    = 7000,8000,9000\n\tseq_timeout = 5\n\tcommand     = /sbin/iptables -A INPUT
-s %IP% -p tcp --dport 22 -j ACCEPT\n\ttcpflags    = syn\n""",
    "debian sample": """[options]\n\tUseSyslog\n\n[openSSH]\n\tsequence    = 7000,8000,9000\n\tseq_timeout = 5
\tcommand     = /sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\n\ttcpflags    = syn\n
[closeSSH]\n\tsequence    = 9000,8000,7000\n\tseq_timeout = 5\n\tcommand     = /sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
\ttcpflags    = syn\n""",
    "ubuntu, ufw": """[options]\n        logfile = knockd.log\n        Interface = enp0s3\n[SSH]\n    sequence = 22:udp,2222:tcp,  22222:udp
    seq_timeout = 15\n    tcpflags = syn\n    start_command = /usr/sbin/ufw insert 1 allow from %IP% to any port 22 proto tcp
    cmd_timeout = 3600\n    stop_command = /usr/sbin/ufw delete allow from %IP% to any port 22 proto tcp\n""",
    "arch": """[options]\n logfile = knockd.log\n[opencloseSSH]\n sequence      = 8881:tcp,7777:tcp,9991:tcp\n seq_timeout   = 15
 tcpflags      = syn,ack\n start_command = /usr/bin/iptables -A TCP -s %IP% -p tcp --dport 22 -j ACCEPT\n cmd_timeout   = 10
 stop_command  = /usr/bin/iptables -D TCP -s %IP% -p tcp --dport 22 -j ACCEPT\n""",
    "two families": """[options]\n  usesyslog\n  interface = eth0.42\n[both]\n  Sequence = 7000:udp, 8000, 9000:udp\n  TcpFlags = SYN,!ACK
  Start_Command = nft add element inet f k4 { %IP% }\n  Start_Command_6 = nft add element inet f k6 { %IP% }
  Stop_Command_6=\n  Cmd_Timeout = 30\n""",
    "fail2ban": """[options]\nlogfile=knockd.log\n[unban]\nsequence = 1111,2222,3333\ntcpflags=syn
command = fail2ban-client set sshd unbanip %IP% && /usr/bin/logger "knockd: unbanned %IP%"\n""",
    "continued line": "[d]\nsequence = 1,2\ncommand = iptables -A INPUT \\\n  -s %IP% -j ACCEPT\n",
    "quoted": '[d]\nsequence = 1,2\nstart_command = "/bin/sh -c \'x=%IP%; echo $x\'"\n',
    "windows": "\r\n".join(["[options]", "UseSyslog", "[d]", "sequence = 1,2,3 ", "tcpflags = syn ", "command = /x %IP% ", ""]),
    "commented out": "#[options]\n# logfile = /x\n  #interface = eth0\n[d]\n#sequence = 1\nsequence = 2\n#",
    "semicolons": "[options]\nUseSyslog\n; a comment of other INI files\n[d]\nsequence = 1\n",
    "no end": "[d]\nsequence=1,2\ncommand=true",
}


class Writer:
    """A file as people write it."""

    def __init__(self, chance, folder):
        self.chance, self.folder, self.lines = chance, folder, []

    def add(self, name, value):
        pick = self.chance.choice
        name = pick([name, name.lower(), name.upper(), name.swapcase()])
        self.lines.append(pick(["", "", "  ", "\t", "\v\f"]) + name + pick(["", " ", "\t\t"]) + "=" + pick(["", " ", "    "]) + value +
                          pick(["", "", "", " ", "\t"]))

    def sequence(self):
        items = [self.chance.choice(ITEMS) for _ in range(self.chance.choice([1, 3, 3, 4, 8, 32]))]
        if self.chance.random() < 0.04:
            items[self.chance.randrange(len(items))] = self.chance.choice(BAD_ITEMS)
        if self.chance.random() < 0.02:
            items += ITEMS * 3
        return ",".join(items)

    def one_time_file(self):
        lines = [self.chance.choice(["#", "# used", "", " #1,2", "1:xyz", "70000", "\t7000, 8000:udp\r", " 1,2,3 # x", "9"])
                 for _ in range(self.chance.choice([1, 3, 6]))]
        path = os.path.join(self.folder, f"S{len(self.lines)}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + self.chance.choice(["", "\n"]))
        return path

    def section(self):
        dice, pick = self.chance.random, self.chance.choice
        is_options = dice() < 0.25
        name = "options" if is_options else pick(NAMES)
        self.lines.append(pick(["", " ", "\t"]) + f"[{name}]" + pick(["", "", " ", "\t"]))
        table = OPTIONS if is_options else DOOR
        for key in self.chance.sample(sorted(table), self.chance.choice([0, 1, 2, 3])):
            self.add(key, pick(table[key]))
            if dice() < 0.1:
                self.add(key, pick(table[key]))
        if not is_options and dice() < 0.97:
            self.add("One_Time_Sequences", self.one_time_file()) if dice() < 0.15 else self.add("Sequence", self.sequence())
        if dice() < 0.1:
            self.lines.append(pick(["UseSyslog", " usesyslog\t", "USESYSLOG"]))
        if dice() < 0.3:
            self.lines.append(pick(["", "   ", "# a comment", "\t# sequence = 1", "##"]))
        if dice() < 0.05:
            self.lines.append(pick(BAD_LINES))

    def text(self):
        for _ in range(self.chance.choice([1, 2, 3, 5])):
            self.section()
        newline = self.chance.choice(["\n", "\n", "\r\n"])
        return newline.join(self.lines) + self.chance.choice([newline, ""])


def understood(binary, path):
    """Debug lines, errors, exit status. Each file names an interface that does not exist, so that no start succeeds."""
    done = subprocess.run([binary, "-D", "-c", path], capture_output=True, text=True, errors="surrogateescape", cwd=os.path.dirname(path),
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}, timeout=60)
    told = [line for line in done.stderr.split("\n") if ": warning: " not in line]
    return [f"exit status {done.returncode}", *(line for line in done.stdout.split("\n") if not line.startswith("      --")), *told]


def compare(programs, path, what):
    theirs, ours = (understood(binary, path) for binary in programs)
    difference = "\n".join(difflib.unified_diff(theirs, ours, "peer", "ours", lineterm="", n=2))
    with open(path, encoding="utf-8", newline="") as file:
        check_equal(difference, "", f"{what}: {file.read()!r}")
    return any("could not open" in line for line in ours)


def write(folder, text):
    path = os.path.join(folder, "knockd.conf")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def test_random_files():
    need_root()
    seed = int(os.environ.get("SEED", 1))
    chance, accepted = random.Random(seed), 0
    programs = peer("knockd"), program("knockd")
    for number in range(CASES):
        with tempfile.TemporaryDirectory(prefix="knockd-random-") as folder:
            path = write(folder, "[options]\ninterface = nosuch0\n" + Writer(chance, folder).text())
            accepted += compare(programs, path, f"case {number} of SEED={seed}")
    check(accepted > CASES // 4, f"only {accepted} configurations are valid")


def test_tutorials():
    need_root()
    programs, accepted = (peer("knockd"), program("knockd")), 0
    with tempfile.TemporaryDirectory(prefix="knockd-random-") as folder:
        for name, text in TUTORIALS.items():
            accepted += compare(programs, write(folder, "[options]\ninterface = nosuch0\n" + text), name)
    check(accepted > len(TUTORIALS) // 2, f"only {accepted} tutorials are valid")


if __name__ == "__main__":
    main()
