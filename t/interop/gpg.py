#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SPA with GnuPG keys between ours and Debian's fwknop, and what only ours can: other keys, floods, a gpg that hangs."""
import os
import pwd
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from gpg_home import GpgHome  # noqa: E402
from harness import check, check_equal, main, need_tools, peer, program, wait_until  # noqa: E402
from lab import Lab  # noqa: E402

READY = "Starting fwknopd main event loop|PCAP filter is"
HMAC = "a key for the HMAC only"
KEY = "a key without gpg"
PASSPHRASE = "only for tests"
ALGORITHMS = {"rsa": ("rsa2048", "sign", ("rsa2048", "encrypt")), "curve": ("ed25519", "sign", ("cv25519", "encr"))}


class GpgLab(Lab):
    """The lab, with key rings for both sides: `client` and `server` keys, each side with the other's public key."""

    def __enter__(self):
        need_tools("gpg", "gpgconf")
        super().__enter__()
        self.homes = {side: GpgHome().__enter__() for side in ("client", "server")}
        return self

    def __exit__(self, *how):
        for home in self.homes.values():
            home.__exit__()
        super().__exit__(*how)

    def make_keys(self, kind="rsa", passphrase=""):
        for side, other in (("client", "server"), ("server", "client")):
            self.homes[side].make_key(side, *ALGORITHMS[kind], passphrase=passphrase)
            self.homes[other].import_text(self.homes[side].export_public(side))
        fingerprint = self.homes["client"].fingerprint("client")
        self.homes["server"].trust(fingerprint + ":6:\n")
        return fingerprint

    def start(self, path, *stanza, conf=""):
        gpg = [f"GPG_HOME_DIR {self.homes['server'].path}"]
        text = f"PCAP_INTF {self.gateway.interface};\nFWKNOP_RUN_DIR {self.dir}/run;\n{conf}"
        access = self.write("access.conf", "\n".join(["SOURCE ANY", *stanza, *gpg]) + "\n")
        daemon = self.gateway.spawn(path, "-f", "-c", self.write("fwknopd.conf", text), "-a", access)
        daemon.wait_for_line(READY)
        return daemon

    def send(self, path, *arguments, port=22):
        self.client.run(path, "-A", f"tcp/{port}", "-a", self.client.address, "-D", self.gateway.address,
                        "--no-save-args", *arguments, env={**os.environ, "HOME": str(self.dir)})

    def send_gpg(self, path, *arguments, port=22, signed=True):
        signer = ["--gpg-signer-key", "client", "--gpg-no-signing-pw"] if signed else []
        self.send(path, "--gpg-recipient-key", "server", *signer, "--gpg-home-dir", self.homes["client"].path,
                  *arguments, port=port)

    def wait_for_grant(self, port=22):
        self.gateway.wait_for_rule(rf"-s 10\.9\.0\.2/32 -p tcp -m tcp --dport {port} .*-j ACCEPT")


def opens(lab, client, daemon_path, kind, hmac):
    fingerprint = lab.make_keys(kind)
    stanza = ["GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}"] + ([f"HMAC_KEY {HMAC}"] if hmac else [])
    daemon = lab.start(daemon_path, *stanza)
    lab.send_gpg(client, *(["--key-hmac", HMAC] if hmac else []))
    lab.wait_for_grant()
    daemon.wait_for_line(f"Incoming SPA data signed by '{fingerprint[-8:]}' \\(fingerprint '{fingerprint}'\\)")
    check_equal(daemon.stop(), 0, "exit status of the daemon")


def test_their_client_our_daemon(lab):
    opens(lab, peer("fwknop"), program("fwknopd"), "rsa", False)


def test_their_client_our_daemon_hmac(lab):
    opens(lab, peer("fwknop"), program("fwknopd"), "rsa", True)


def test_our_client_their_daemon(lab):
    opens(lab, program("fwknop"), peer("fwknopd"), "rsa", False)


def test_our_client_their_daemon_hmac(lab):
    opens(lab, program("fwknop"), peer("fwknopd"), "rsa", True)


def test_ours_with_curve25519(lab):
    opens(lab, program("fwknop"), program("fwknopd"), "curve", False)


def test_ours_with_curve25519_hmac(lab):
    opens(lab, program("fwknop"), program("fwknopd"), "curve", True)


def test_ours_with_a_short_unsigned_packet(lab):
    lab.make_keys("curve")
    daemon = lab.start(program("fwknopd"), "GPG_ALLOW_NO_PW Y", "GPG_DISABLE_SIG Y")
    lab.send_gpg(program("fwknop"), signed=False)
    lab.wait_for_grant()
    check_equal(daemon.stop(), 0)


def test_a_passphrase_of_the_server_is_used(lab):
    fingerprint = lab.make_keys("curve", PASSPHRASE)
    for home in lab.homes.values():
        home.kill_agent()
    daemon = lab.start(program("fwknopd"), f"GPG_DECRYPT_PW {PASSPHRASE}", f"GPG_REMOTE_ID {fingerprint[-16:].lower()}",
                       "GPG_DECRYPT_ID DEADBEEF")
    lab.send_gpg(program("fwknop"), "--key-rijndael", PASSPHRASE)
    lab.wait_for_grant()
    daemon.wait_for_line("SPA packet was not encrypted to the key of GPG_DECRYPT_ID: DEADBEEF")
    check_equal(daemon.stop(), 0)


def test_refusals_are_told_as_the_page_says(lab):
    """DIAGNOSTICS of fwknopd(8): a good signature of somebody else, no signature, a packet for a key that is not there."""
    fingerprint = lab.make_keys("rsa")
    daemon = lab.start(program("fwknopd"), "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {'0' * 40}")
    lab.send_gpg(program("fwknop"))
    daemon.wait_for_line(f"\\(stanza #1\\) Incoming SPA packet signed by: {fingerprint}, but that fingerprint is not in the "
                         "GPG_FINGERPRINT_ID list\\.")
    lab.send_gpg(program("fwknop"), signed=False)
    daemon.wait_for_line(r"\(stanza #1\) Error creating fko context: ")
    daemon.wait_for_line(r"\(stanza #1\) - GPG ERROR: ")
    check("--dport 22 " not in "\n".join(lab.gateway.rules()), "a rule for a refused packet")
    check_equal(daemon.stop(), 0)


def wrapper(lab, script):
    return lab.write("gpg", "#!/bin/sh\n" + script + 'exec /usr/bin/gpg "$@"\n', mode=0o755)


def test_a_flood_with_wrong_hmacs_starts_no_gpg(lab):
    fingerprint = lab.make_keys("rsa")
    starts = lab.dir / "starts"
    exe = wrapper(lab, f"echo >>{starts}\n")
    daemon = lab.start(program("fwknopd"), "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}",
                       f"HMAC_KEY {HMAC}", f"GPG_EXE {exe}")
    wire = lab.write("wire", "")
    lab.send_gpg(program("fwknop"), "--key-hmac", "another", "-B", str(wire), "-b")
    packet = bytearray(wire.read_text().strip().encode())
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for number in range(10000):
        packet[-1], packet[-2], packet[-3] = (letters[number >> shift & 63] for shift in (0, 6, 12))
        lab.client.send_udp(lab.gateway.address, 62201, bytes(packet))
    lab.send_gpg(program("fwknop"), "--key-hmac", HMAC)
    lab.wait_for_grant()
    # One decryption and the look-up of the signer's primary key.
    check(len(starts.read_text()) <= 4, f"gpg was started {len(starts.read_text())} times")
    check_equal(daemon.stop(), 0)


def test_a_gpg_that_hangs_delays_its_packet_only(lab):
    fingerprint = lab.make_keys("rsa")
    stuck = lab.write("stuck", "")
    pids = lab.dir / "pids"
    exe = wrapper(lab, f"if [ -e {stuck} ]; then echo $$ >>{pids}; exec sleep 1000; fi\n")
    daemon = lab.start(program("fwknopd"), f"KEY {KEY}", "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}",
                       f"GPG_EXE {exe}")
    lab.send_gpg(program("fwknop"), port=2201)
    wait_until(lambda: pids.exists() and pids.read_text().strip(), what="a gpg that hangs")
    begin = time.monotonic()
    lab.send(program("fwknop"), "--key-rijndael", KEY, port=2202)
    lab.wait_for_grant(2202)
    check(time.monotonic() - begin < 5, "the other packet had to wait")
    daemon.wait_for_line("gpg has not answered for 10 seconds; its helper is replaced")
    daemon.wait_for_line("GPG ERROR: gpg does not answer")
    first = int(pids.read_text().split()[0])
    wait_until(lambda: not os.path.exists(f"/proc/{first}") or "Z" in open(f"/proc/{first}/stat").read().split()[2],
               what="end of the gpg that hung")
    os.unlink(stuck)
    lab.send_gpg(program("fwknop"), port=2203)
    lab.wait_for_grant(2203)
    check(not re.search("dport 2201", "\n".join(lab.gateway.rules())), "the packet that failed got its port")
    check_equal(daemon.stop(), 0)


def test_a_killed_helper_is_replaced(lab):
    fingerprint = lab.make_keys("rsa")
    daemon = lab.start(program("fwknopd"), "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}")
    for port in (2201, 2202):
        lab.send_gpg(program("fwknop"), port=port)
        lab.wait_for_grant(port)
        helpers = helpers_of(daemon)
        check_equal(len(helpers), 1, "GPG helpers")
        os.kill(helpers[0], 9)
    check_equal(daemon.stop(), 0)


def helpers_of(daemon):
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_helper(pid, daemon.pid)]


def facts_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def agents_of(home):
    """gpg-agents that run on a key ring: {pid: uid}."""
    found = {}
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="latin-1") as file:
                words = file.read().split("\0")
            if pid.isdigit() and words[0].endswith("gpg-agent") and home.path in words:
                found[int(pid)] = int(facts_of(pid)["Uid"].split()[0])
        except OSError:
            continue
    return found


def give_away(home, user):
    """The agent that made the keys is the old owner's."""
    home.kill_agent()
    wait_until(lambda: not agents_of(home), what="end of the agent that made the keys")
    account = pwd.getpwnam(user)
    for folder, _, names in os.walk(home.path):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, account.pw_uid, account.pw_gid)
    return account


def check_helper(pid, account):
    facts = facts_of(pid)
    check_equal(facts["Uid"].split(), [str(account.pw_uid)] * 4, "user of the helper")
    check_equal(facts["Gid"].split(), [str(account.pw_gid)] * 4, "group of the helper")
    check_equal(sorted(map(int, facts["Groups"].split())),
                sorted(os.getgrouplist(account.pw_name, account.pw_gid)), "groups of the helper")
    for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        check_equal(int(facts[f"Cap{kind}"], 16), 0, f"capabilities {kind}")
    check_equal(facts["NoNewPrivs"], "1", "NoNewPrivs")


def test_the_owner_of_a_key_ring_runs_gpg(lab):
    fingerprint = lab.make_keys("curve", PASSPHRASE)
    account = give_away(lab.homes["server"], "daemon")
    seen = lab.write("seen", "", mode=0o666)
    exe = wrapper(lab, f"(id -u; env) >>{seen}\n")
    daemon = lab.start(program("fwknopd"), f"GPG_DECRYPT_PW {PASSPHRASE}", f"GPG_FINGERPRINT_ID {fingerprint}",
                       f"GPG_EXE {exe}")
    helpers = helpers_of(daemon)
    check_equal(len(helpers), 1, "helpers from the start on")
    check_helper(helpers[0], account)
    lab.send_gpg(program("fwknop"), "--key-rijndael", PASSPHRASE)
    lab.wait_for_grant()
    check_equal(helpers_of(daemon), helpers, "the helper that was there before the packet")
    lines = seen.read_text().splitlines()
    for line in (str(account.pw_uid), f"HOME={account.pw_dir}", f"USER={account.pw_name}"):
        check(line in lines, f"{line} in {lines}")
    check(not any(line.startswith(("LATCHKEY_", "GNUPGHOME=")) for line in lines), f"environment of the daemon: {lines}")
    check_equal(list(agents_of(lab.homes["server"]).values()), [account.pw_uid], "users of agents")
    check_equal(daemon.stop(), 0)
    wait_until(lambda: not agents_of(lab.homes["server"]), what="end of the agent that the helper started")


def test_each_owner_has_a_helper(lab):
    fingerprint = lab.make_keys("rsa")
    with GpgHome() as other:
        other.make_key("other", *ALGORITHMS["rsa"])
        other.import_text(lab.homes["client"].export_public("client"))
        lab.homes["client"].import_text(other.export_public("other"))
        other.trust(fingerprint + ":6:\n")
        account = give_away(lab.homes["server"], "daemon")
        give_away(other, "root")
        second = ["SOURCE ANY", "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}"]
        first = ["GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}", f"GPG_HOME_DIR {other.path}"]
        daemon = lab.start(program("fwknopd"), *first, *second)
        by_user = {facts_of(pid)["Uid"].split()[0]: pid for pid in helpers_of(daemon)}
        check_equal(sorted(by_user), ["0", "1"], "users of helpers")
        check_helper(by_user["0"], pwd.getpwnam("root"))
        check_helper(by_user["1"], account)
        lab.send_gpg(program("fwknop"), port=2201)
        lab.wait_for_grant(2201)
        lab.send_gpg(program("fwknop"), "--gpg-recipient-key", "other", port=2202)
        lab.wait_for_grant(2202)
        check_equal(list(agents_of(lab.homes["server"]).values()), [1], "users of the first key ring's agents")
        check_equal(list(agents_of(other).values()), [0], "users of the second key ring's agents")
        check_equal(daemon.stop(), 0)
        wait_until(lambda: not agents_of(other) and not agents_of(lab.homes["server"]), what="end of the agents")


def test_a_key_ring_of_nobody_known(lab):
    fingerprint = lab.make_keys("rsa")
    lab.homes["server"].kill_agent()
    os.chown(lab.homes["server"].path, 54321, 54321)
    daemon = lab.start(program("fwknopd"), "GPG_ALLOW_NO_PW Y", f"GPG_FINGERPRINT_ID {fingerprint}")
    check_equal(helpers_of(daemon), [], "helpers")
    lab.send_gpg(program("fwknop"))
    daemon.wait_for_line(f"Error setting GPG keyring path to {lab.homes['server'].path}: ")
    os.chown(lab.homes["server"].path, 0, 0)
    lab.send_gpg(program("fwknop"), port=2202)
    lab.wait_for_grant(2202)
    check_equal(daemon.stop(), 0)


def is_helper(pid, parent):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
        return name == "fwknopd: gpg" and int(rest.split()[1]) == parent and rest.split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    main(GpgLab)
