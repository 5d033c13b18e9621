#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The client's GPG mode on its own: keys with and without passphrase, every failure's lines and exit status."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from gpg_home import GpgHome  # noqa: E402
from harness import Skip, check, check_equal, main, program  # noqa: E402

BASE = ["-T", "-v", "-A", "tcp/22", "-a", "1.1.1.1", "-D", "127.0.0.1", "--no-rc-file", "--no-save-args"]
PASSPHRASE = "only for tests"


def run(home, *arguments, text=""):
    environment = {"HOME": home.path, "PATH": os.environ["PATH"], "LC_ALL": "C", "LOGNAME": "tester"}
    return subprocess.run([program("fwknop"), *BASE, "--gpg-home-dir", home.path, *arguments], input=text,
                          capture_output=True, text=True, env=environment, timeout=60, check=False)


def homes():
    if not shutil.which("gpg"):
        raise Skip("gpg is missing")
    home = GpgHome().__enter__()
    home.make_key("plain")
    home.make_key("curve", "ed25519", "sign", ("cv25519", "encr"))
    home.make_key("locked", passphrase=PASSPHRASE)
    home.make_key("twin-a", subkey=None)
    home.make_key("twin-b", subkey=None)
    return home


HOME = None


def home():
    global HOME
    HOME = HOME or homes()
    return HOME


def decodes(done, signer):
    check_equal(done.returncode, 0, done.stderr)
    dumps = done.stdout.split("Dump of the Decoded Data")
    check_equal(len(dumps), 2)
    check("GPG sig status: 0\n" in dumps[1], dumps[1])
    check(f"GPG sig fpr: {home().fingerprint(signer)}\n" in dumps[1], dumps[1])
    check("Message String: 1.1.1.1,tcp/22\n" in dumps[1], dumps[1])


def test_signed_packets_decode_with_every_kind_of_key_and_hmac():
    for key in ("plain", "curve"):
        for hmac in ([], ["--key-hmac", "hmackey"], ["--key-hmac", "hmackey", "--hmac-digest-type", "sha512"]):
            decodes(run(home(), "--gpg-recipient-key", key, "--gpg-signer-key", key, "--gpg-no-signing-pw", *hmac), key)


def test_a_passphrase_that_is_given_is_used():
    keys = ["--gpg-recipient-key", "locked", "--gpg-signer-key", "locked"]
    home().kill_agent()
    wrong = run(home(), *keys, "--key-rijndael", "wrong")
    check_equal(wrong.returncode, 1)
    check(wrong.stderr.startswith(
        "fwknop: fko_spa_data_final: Error 122 - Error during the encrypt and sign operation\nGPG ERR: Bad passphrase"),
        wrong.stderr)
    decodes(run(home(), *keys, "--key-rijndael", PASSPHRASE), "locked")
    home().kill_agent()
    decodes(run(home(), *keys, "--stdin", text=PASSPHRASE + "\n"), "locked")


def test_failures_have_their_lines():
    def fails(expected, *arguments):
        done = run(home(), *arguments)
        check_equal((done.returncode, done.stderr), (1, expected))

    fails("fwknop: fko_set_gpg_recipient: Error 130 - The key for the given recipient was not found\n"
          "GPG ERR: End of file\n", "--gpg-recipient-key", "nobody")
    fails("fwknop: fko_set_gpg_recipient: Error 131 - Ambiguous name/id for the recipient key (multiple matches)\n"
          "GPG ERR: \n", "--gpg-recipient-key", "twin")
    fails("fwknop: fko_set_gpg_signer: Error 126 - Ambiguous name/id for the signer key (multiple matches)\n"
          "GPG ERR: \n", "--gpg-recipient-key", "plain", "--gpg-signer-key", "twin")
    fails("fwknop: fko_set_gpg_exe: Error 134 - Unable to stat the given GPG executable\n",
          "--gpg-recipient-key", "plain", "--gpg-exe", "/nonexistent")
    fails("fwknop: fko_decrypt_spa_data: Error 137 - Missing GPG signature\nGPG ERR: \n",
          "--gpg-recipient-key", "plain")


def test_a_packet_that_is_too_long_is_not_sent():
    done = run(home(), "--gpg-recipient-key", "plain", "--gpg-signer-key", "plain", "--gpg-no-signing-pw",
               "-C", "x" * 240, "--key-hmac", "h" * 20, "--hmac-digest-type", "sha512", "-m", "sha512")
    if done.returncode == 0:
        wire = re.search(r"Final SPA Data: (\S+)", done.stdout)[1]
        check(len(wire) + 2 < 1500, "sent although too long")
        return
    check("send_spa_packet: packet not sent.\n" in done.stderr, done.stderr)


if __name__ == "__main__":
    try:
        main()
    finally:
        if HOME:
            HOME.__exit__()
