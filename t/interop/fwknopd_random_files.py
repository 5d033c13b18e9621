# SPDX-License-Identifier: GPL-2.0-or-later
"""Random fwknopd.conf and access.conf of what the field writes: both programs refuse them, or dump and tell the same.

SEED= makes others. Left out is what doc/DEVIATIONS.md lists: trailing blanks, a second key in place of a first.
"""
import difflib
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_dump import arguments, told_and_dumped
from harness import check, check_equal, main, peer, program

CASES = 120
YES_OR_NO = ["Y", "N", "y", "n", "yes", "No", "true", "1", "on"]
ADDRESSES = ["any", "ANY", "1.2.3.4", "10.0.0.0/8", "192.168.1.7/24", "1.1.1.1/255.255.255.0", "0.0.0.0", "1.2.3.4/32", "1.2.3.4/1"]
PORTS = ["tcp/22", "udp/53", "TCP/80", "Udp/1", "tcp/0", "tcp/65535", "tcp/022"]
SECONDS = ["0", "1", "30", "3600", "8388608", "8388609", "-1", "0030", "30 # seconds"]
ACCESS = {
    "DESTINATION": ADDRESSES, "OPEN_PORTS": PORTS, "RESTRICT_PORTS": PORTS, "FW_ACCESS_TIMEOUT": SECONDS, "MAX_FW_TIMEOUT": SECONDS,
    "HMAC_DIGEST_TYPE": ["md5", "SHA1", "sha256", "Sha384", "sha512", "sha3_256", "SHA3_512", "sha-256"],
    "ENCRYPTION_MODE": ["cbc", "CTR", "legacy", "ecb", "ofb", "CFB", "Asymmetric", "pcbc"],
    "ACCESS_EXPIRE": ["12/31/2030", "1/2/30", "01/01/2010", "2030-1-1"], "ACCESS_EXPIRE_EPOCH": ["0", "1893456000"],
    "CMD_EXEC_USER": ["nobody", "root", "nosuchuser"], "CMD_EXEC_GROUP": ["root", "daemon"], "CMD_SUDO_EXEC_USER": ["daemon"],
    "CMD_CYCLE_OPEN": ["/bin/true $IP", '/x a "c d"', "x" * 255, "x" * 256], "CMD_CYCLE_CLOSE": ["/bin/true $IP", "NONE", "None"],
    "CMD_CYCLE_TIMER": ["1", "8388608", "0"], "REQUIRE_USERNAME": ["alice", "a b", '"bob"', "a,b"],
    "FORCE_NAT": ["1.2.3.4 22", "1.2.3.4\t22", "1.2.3.4   65535", "1.2.3.4", "1.2.3.4:22"], "FORCE_SNAT": ["9.9.9.9"],
    "GPG_HOME_DIR": ["/tmp", "/tmp/", "/nonexistent"], "GPG_EXE": ["/usr/bin/gpg"], "GPG_DECRYPT_ID": ["ABCD1234"],
    "FOO": ["bar"], "key": ["x"],
} | {name: YES_OR_NO for name in ("ENABLE_CMD_EXEC", "ENABLE_CMD_SUDO_EXEC", "DISABLE_DNAT", "FORWARD_ALL", "REQUIRE_SOURCE_ADDRESS",
                                  "REQUIRE_SOURCE", "GPG_REQUIRE_SIG", "GPG_DISABLE_SIG", "GPG_IGNORE_SIG_VERIFY_ERROR")}
KEYS = [{"KEY": "testtest"}, {"KEY": "pass word"}, {"KEY": "#k", "HMAC_KEY": "a:b"}, {"KEY": "schl\u00fcssel", "HMAC_KEY_BASE64": "YWJj"},
        {"KEY_BASE64": "dGVzdA", "HMAC_KEY": "$x"}, {"KEY_BASE64": "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc="},
        {"GPG_DECRYPT_PW": "p w", "GPG_REMOTE_ID": "ABCD1234, 5678ABCD"}, {"GPG_ALLOW_NO_PW": "Y", "GPG_FINGERPRINT_ID": "AB" * 20}, {}]
CONF = {
    "PCAP_INTF": ["eth1", "any"], "PCAP_FILTER": ["(udp or tcp) && port 62201", '"udp port 1"'], "PCAP_DISPATCH_COUNT": ["1", "0"],
    "MAX_SPA_PACKET_AGE": ["1", "100000", "100001"], "MAX_SNIFF_BYTES": ["1500", "32769"], "RULES_CHECK_THRESHOLD": ["0", "20"],
    "SYSLOG_IDENTITY": ["my daemon"], "SYSLOG_FACILITY": ["log_local3", "LOG_USER"], "LOCALE": ["C", "none"],
    "SNAT_TRANSLATE_IP": ["1.2.3.4", "__CHANGEME__"], "IPT_INPUT_ACCESS": ["ACCEPT,filter,INPUT,1,F,1", "x"],
    "IPT_FORWARD_ACCESS": ["ACCEPT, filter, FORWARD, 1, FF, 1"], "TCPSERV_PORT": ["1", "65535"], "GPG_HOME_DIR": ["/nope"],
    "DIGEST_FILE": ["/tmp/x"], "FWKNOP_PID_FILE": ["$DIGEST_FILE.pid"], "VERBOSE": ["0", "1"], "FIREWALL_TYPE": ["iptables"],
} | {name: YES_OR_NO for name in ("ENABLE_PCAP_PROMISC", "ENABLE_SPA_PACKET_AGING", "ENABLE_DIGEST_PERSISTENCE", "ENABLE_SPA_OVER_HTTP",
                                  "ENABLE_IPT_FORWARDING", "ENABLE_IPT_LOCAL_NAT", "ENABLE_IPT_SNAT", "ENABLE_IPT_OUTPUT",
                                  "FLUSH_IPT_AT_EXIT", "ENABLE_NAT_DNS", "ENABLE_UDP_SERVER", "ENABLE_X_FORWARDED_FOR")}


class Writer:
    """Lines as people write them."""

    def __init__(self, chance):
        self.chance, self.lines = chance, []

    def value(self, name, choices):
        if choices in (ADDRESSES, PORTS):
            return self.chance.choice([",", ", "]).join(self.chance.choice(choices) for _ in range(self.chance.choice([1, 1, 2, 4])))
        return self.chance.choice(choices)

    def add(self, name, value, colon):
        pick = self.chance.choice
        end = pick(["", "", "", ";", "; a comment", ";;"]) if name != "DIGEST_FILE" else ""
        self.lines.append(pick(["", "", " ", "\t"]) + name + (pick(["", "", ":"]) if colon else "") + pick([" ", "\t", "      "]) + value + end)
        if self.chance.random() < 0.1:
            self.lines.append(pick(["", "# a comment", ";KEY x", "#"]))

    def text(self):
        newline = self.chance.choice(["\n", "\n", "\r\n"])
        return newline.join(self.lines) + self.chance.choice([newline, ""])


def random_conf(chance):
    writer = Writer(chance)
    names = chance.sample(sorted(CONF), chance.choice([0, 1, 3, 8]))
    for name in sorted(names, key="FWKNOP_PID_FILE".__eq__):  # the peer knows no variable before its line
        writer.add(name, writer.value(name, CONF[name]), False)
    return writer.text()


def random_access(chance):
    """The access file and those that it includes."""
    writer, files = Writer(chance), {}
    for number in range(chance.choice([1, 1, 2, 3])):
        place = chance.choice([writer, writer, Writer(chance)])
        place.add("SOURCE", writer.value("SOURCE", ADDRESSES), True)
        lines = {name: writer.value(name, ACCESS[name]) for name in chance.sample(sorted(ACCESS), chance.choice([0, 1, 3, 6]))}
        keys = chance.choice(KEYS)
        in_file = chance.random() < 0.2 and not {"CMD_CYCLE_OPEN", "CMD_CYCLE_CLOSE"} & lines.keys()
        lines |= {"%include_keys": f"keys{number}"} if in_file else keys
        for name in chance.sample(sorted(lines), len(lines)):
            place.add(name, lines[name], True)
        if in_file:
            files[f"keys{number}"] = "".join(f"{name} {value}\n" for name, value in keys.items())
        if place is not writer:
            files[f"folder{number}/more.conf"] = place.text()
            writer.add(*chance.choice([("%include", f"folder{number}/more.conf"), ("%include_folder", f"folder{number}")]), True)
    return {"access.conf": writer.text(), **files}


def run(binary, folder):
    done = subprocess.run([binary, *arguments(folder)], capture_output=True, text=True, cwd=folder, errors="surrogateescape",
                          env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C", "TZ": "UTC"})
    dumped, told = told_and_dumped(done)
    # The peer says twice what is wrong with a stanza that includes keys.
    return [f"exit status {done.returncode}", *dumped, *sorted(set(told))]


def test_random_files():
    seed = int(os.environ.get("SEED", 1))
    chance, accepted = random.Random(seed), 0
    programs = peer("fwknopd"), program("fwknopd")
    for number in range(CASES):
        with tempfile.TemporaryDirectory(prefix="fwknopd-random-") as folder:
            files = {"fwknopd.conf": random_conf(chance), **random_access(chance), "override": ""}
            for name, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                os.chmod(file.name, 0o600)
            theirs, ours = (run(binary, folder) for binary in programs)
            accepted += ours[0] == "exit status 0"
            difference = "\n".join(difflib.unified_diff(theirs, ours, "peer", "ours", lineterm="", n=0))
            check_equal(difference, "", f"case {number} of SEED={seed}: {files}")
    check(accepted > CASES // 10, f"only {accepted} configurations are valid")


if __name__ == "__main__":
    main()
