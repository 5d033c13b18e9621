# SPDX-License-Identifier: GPL-2.0-or-later
"""What the vector scripts share: the probe program and the comparison of decoded fields."""
import os
import subprocess
import sys

SOURCE = os.environ.get("LATCHKEY_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("LATCHKEY_BUILD", os.path.join(SOURCE, "build"))


class Probe:
    def __init__(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "t/vectors/spa_probe")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write("\t".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.endswith("\n"):
            sys.exit("the probe died on: " + "\t".join(str(w) for w in words))
        return answer[:-1].split("\t")

    def close(self):
        """True when the program ended well."""
        self.process.stdin.close()
        return self.process.wait() == 0


def hexa(text):
    return text.encode("latin-1").hex()


def text(word):
    return bytes.fromhex(word).decode("latin-1")


def check_fields(record, answer, problems):
    names = ("rand", "user", "timestamp", "version", "msg_type", "message", "nat_access", "server_auth",
             "client_timeout")
    got = dict(zip(names, (text(answer[0]), text(answer[1]), int(answer[2]), text(answer[3]), int(answer[4]),
                           text(answer[5]), None if answer[6] == "-" else text(answer[6]), text(answer[7]) or None,
                           int(answer[8]))))
    for name, value in record.get("fields", {}).items():
        if (value or None) != (got[name] or None):
            problems.append(f"field {name}: {got[name]!r}, not {value!r}")
    if record.get("digest_type") and record["digest_type"].upper() != answer[9]:
        problems.append(f"digest type {answer[9]}")
    if record.get("plaintext") and record["plaintext"] != text(answer[10]):
        problems.append(f"plaintext {text(answer[10])!r}")
