#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every recorded GPG packet, through t/vectors/spa_probe, with key rings made for the run."""
import contextlib
import glob
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from gpg_home import GpgHome  # noqa: E402
from spa_vectors import SOURCE, Probe, check_fields, hexa  # noqa: E402

RECORDS = 51

# Where the specification orders another code than the peer's and the record has no recommend_code.
DEVIATIONS = {
    "g028": (60, "7.5: left-over bits must be zero"),
    "g033": (60, "7.5: a length that no canonical base64 text has"),
}


def make_homes(stack):
    """The four key rings of the records."""
    keys = os.path.join(SOURCE, "t/vectors/gpg")
    secret_servers = sorted(glob.glob(keys + "/server-*.sec.asc"))
    public_clients = sorted(glob.glob(keys + "/client-*.pub.asc"))
    homes = {name: stack.enter_context(GpgHome()) for name in ("trusted", "server", "nopub", "client")}
    homes["nopub"].import_files(secret_servers)
    homes["server"].import_files(secret_servers + public_clients)
    homes["trusted"].import_files(secret_servers + public_clients)
    with open(keys + "/trust-clients.txt", encoding="ascii") as lines:
        homes["trusted"].trust(lines.read())
    homes["client"].import_files(sorted(glob.glob(keys + "/client-*.sec.asc") + glob.glob(keys + "/server-*.pub.asc")))
    return {name: home.path for name, home in homes.items()}


def expected_code(record):
    if record["id"] in DEVIATIONS:
        return DEVIATIONS[record["id"]][0]
    if "recommend_code" in record:
        return record["recommend_code"]
    return 0 if record.get("recommend") == "accept" else record["lib"]["code"]


def requires_signature(stanza):
    return "GPG_DISABLE_SIG Y" not in stanza or "GPG_REQUIRE_SIG Y" in stanza


def check_signature(record, answer, problems):
    fingerprint, summary, status = answer[-3:]
    if "sig_fpr" in record and (record["sig_fpr"] or "") != fingerprint:
        problems.append(f"fingerprint {fingerprint}, not {record['sig_fpr']}")
    if record.get("sig_id") and not fingerprint.endswith(record["sig_id"]):
        problems.append(f"fingerprint {fingerprint} for id {record['sig_id']}")
    for name, value in (("sig_summary", summary), ("sig_status", status)):
        if record.get(name) is not None and str(record[name]) != value:
            problems.append(f"{name} {value}, not {record[name]}")


def check(probe, homes, record):
    problems = []
    stanza = record["stanza"]
    answer = probe.ask("gpg", homes[record["keyring"]], record["hmac_type_num"],
                       hexa(record["hmac_key_text"] or ""), int(requires_signature(stanza)),
                       int("GPG_IGNORE_SIG_VERIFY_ERROR Y" in stanza), hexa(record["packet"]))
    code, wanted = int(answer[0]), expected_code(record)
    if code != wanted:
        problems.append(f"code {code} {answer[1]} ({answer[3]}), not {wanted} ({record['desc']})")
    if code == record["lib"]["code"] and answer[3] != (record.get("gpg_error_text") or ""):
        problems.append(f"text {answer[3]!r}, not {record.get('gpg_error_text')!r}")
    if code == 0:
        check_fields(record, answer[4:], problems)
        if record["lib"]["code"] == 0 and requires_signature(stanza):
            check_signature(record, answer, problems)
    return problems


def main():
    if not shutil.which("gpg") or not shutil.which("gpgconf"):
        print("gpg is missing")
        return 77
    probe = Probe()
    run = passed = 0
    with contextlib.ExitStack() as stack:
        homes = make_homes(stack)
        with open(os.path.join(SOURCE, "t/vectors/spa/gpg.jsonl"), encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                problems = check(probe, homes, record)
                run += 1
                passed += not problems
                for problem in problems:
                    print(f"{record['id']}: {problem}")
        ended_well = probe.close()
    print(f"gpg: {run} records run, {passed} passed, {RECORDS} expected")
    return 0 if ended_well and run == passed == RECORDS else 1


sys.exit(main())
