#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every recorded SPA vector but the GPG ones, through t/vectors/spa_probe; prints records run and passed per file."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from spa_vectors import SOURCE, Probe, check_fields, hexa, text  # noqa: E402

RECORDS = {"cross": 287, "positive": 97, "negative": 191, "quirks": 35, "validators": 145, "base64": 22, "kdf": 12}

# Where the specification orders another code than the peer's and the record has no recommend_code.
DEVIATIONS = {
    "p084": (0, "3.1: a valid packet is not lost to the length guess"),
    "n008": (53, "7.5: left-over bits must be zero"),
    "n034": (53, "7.5: left-over bits must be zero"),
    "n045": (53, "7.5: left-over bits must be zero"),
    "n031": (47, "7.5: `=` anywhere is refused as not base64"),
    "n191": (47, "7.5: `=` anywhere is refused as not base64"),
    "n080": (15, "2.3: up to 84 characters are taken; 65 is no length of a base64 text"),
    "n082": (15, "4: a lone base64 character is refused"),
}


def expected_code(record):
    if record["id"] in DEVIATIONS:
        return DEVIATIONS[record["id"]][0]
    if record.get("recommend") == "reject" and "recommend_code" in record:
        return record["recommend_code"]
    if record.get("recommend") == "accept":
        return 0
    return record["lib"]["code"] if "lib" in record else 0


def check_server(probe, record, problems):
    """The outer checks, against the log lines of the real server. Returns the wire text, or None when refused."""
    conf = record.get("conf_extra", "")
    http = "ENABLE_SPA_OVER_HTTP Y" in conf
    answer = probe.ask("payload", int(http), int("ALLOW_ANY_USER_AGENT Y" in conf), hexa(record["packet"]))
    log = "\n".join(record.get("server_log", []))
    logged = re.search(r"returned error (\d+): '([^']*)'", log)
    wanted = (int(logged[1]), logged[2]) if logged else (0, "Success")
    if record.get("recommend_code") == 4096:
        wanted = (4096, "Data is not a valid SPA message format")
    silent = not 140 <= len(record["packet"]) <= 1500  # the sniffer drops these without a line
    if silent:
        wanted = (4096, "Data is not a valid SPA message format")
    if (int(answer[0]), answer[1]) != wanted:
        problems.append(f"outer checks: {answer[:2]}, not {wanted}")
    no_match = re.search(r"No stanza encryption mode match for encryption type: (\d)", log)
    if no_match and answer[3] != no_match[1]:
        problems.append(f"cipher guess {answer[3]}")
    return text(answer[4]) if len(answer) > 4 else None


def check_packet(probe, record):
    problems = []
    wire = check_server(probe, record, problems)
    if "lib" not in record and (wire is None or record.get("recommend") == "reject"):
        return problems  # only the server sees it, and refuses it
    packet = wire if "lib" not in record else record["packet"]
    answer = probe.ask("open", record["mode_num"], record["key_hex"], record["hmac_type_num"],
                       record["hmac_key_hex"] or "", hexa(packet))
    code = int(answer[0])
    wanted = expected_code(record)
    if code != wanted:
        problems.append(f"code {code} {answer[1]}, not {wanted} ({record['desc']})")
    if "lib" in record and code == record["lib"]["code"]:
        if [answer[1], answer[2]] != [record["lib"]["name"], record["lib"]["text"]]:
            problems.append(f"texts {answer[1:3]}")
    if code == 0:
        check_fields(record, answer[3:], problems)
    if record.get("replay_digest") and probe.ask("digest", hexa(record["packet"]))[0] != record["replay_digest"]:
        problems.append("replay digest")
    return problems


def check_validator(probe, record):
    code, name = probe.ask("validate", record["kind"], hexa(record["input"]))
    return [] if (int(code), name) == (record["code"], record["name"]) else [f"{record['kind']} {record['input']!r}: {name}"]


def check_base64(probe, record):
    length, decoded = probe.ask("base64", hexa(record["input"]))
    good = (int(length), decoded) == (record["decoded_len"], record["decoded_hex"] or "")
    return [] if good else [f"{record['input']!r}: {length} {decoded}"]


def check_kdf(probe, record):
    key, iv = probe.ask("kdf", record["passphrase_hex"], record["salt_hex"], int(record["legacy"]))
    return [] if (key, iv) == (record["key_hex"], record["iv_hex"]) else [f"{key} {iv}"]


CHECKS = {"validators": check_validator, "base64": check_base64, "kdf": check_kdf}


def main():
    probe = Probe()
    failed = False
    for name, count in RECORDS.items():
        run = passed = 0
        with open(os.path.join(SOURCE, "t/vectors/spa", name + ".jsonl"), encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                problems = CHECKS.get(name, check_packet)(probe, record)
                run += 1
                passed += not problems
                for problem in problems:
                    print(f"{name} {record.get('id', run)}: {problem}")
        print(f"{name}: {run} records run, {passed} passed, {count} expected")
        failed |= run != count or passed != count
    failed |= not probe.close()
    return 1 if failed else 0


sys.exit(main())
