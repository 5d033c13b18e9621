# SPDX-License-Identifier: GPL-2.0-or-later
"""SPA between ours and Debian's fwknop: each client opens a port at each daemon, seen as a rule in the kernel."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check_equal, main, peer, program
from lab import Lab

READY = "Starting fwknopd main event loop|PCAP filter is"
KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
KEYS = ["KEY_BASE64 " + KEY, "HMAC_KEY_BASE64 " + HMAC_KEY]
WITH_KEYS = ["--key-base64-rijndael", KEY, "--key-base64-hmac", HMAC_KEY, "--use-hmac"]
GRANT = r"-A FWKNOP_INPUT -s 10\.9\.0\.2/32 -p tcp -m tcp --dport 22 .*-j ACCEPT"

# name: (lines of the stanza, arguments of the client)
CASES = {
    "hmac": (KEYS, WITH_KEYS),
    "hmac_sha512": (KEYS + ["HMAC_DIGEST_TYPE sha512"], WITH_KEYS + ["--hmac-digest-type", "sha512"]),
    "hmac_md5_digest_sha1": (KEYS + ["HMAC_DIGEST_TYPE md5"], WITH_KEYS + ["--hmac-digest-type", "md5", "-m", "sha1"]),
    "hmac_sha3": (KEYS + ["HMAC_DIGEST_TYPE sha3_256"], WITH_KEYS + ["--hmac-digest-type", "sha3_256", "-m", "sha3_512"]),
    "key_without_hmac": (KEYS[:1], WITH_KEYS[:2]),
    "passphrase": (["KEY secret phrase"], ["--key-rijndael", "secret phrase"]),
    "legacy_mode": (["KEY secret", "ENCRYPTION_MODE legacy"], ["--key-rijndael", "secret", "-M", "legacy"]),
    "several_ports": (KEYS + ["OPEN_PORTS tcp/22,udp/53"], WITH_KEYS + ["-A", "tcp/22,udp/53"]),
    "timeout_of_the_client": (KEYS, WITH_KEYS + ["-f", "100"]),
    "user_name": (KEYS + ["REQUIRE_USERNAME somebody"], WITH_KEYS + ["-U", "somebody"]),
    "time_offset": (KEYS, WITH_KEYS + ["--time-offset-plus", "60s"]),
}


def start_daemon(lab, path, stanza):
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {lab.dir}/run;\n")
    access = lab.write("access.conf", "\n".join(["SOURCE ANY", *stanza]) + "\n")
    daemon = lab.gateway.spawn(path, "-f", "-c", conf, "-a", access)
    daemon.wait_for_line(READY)
    return daemon


def send(lab, path, *arguments):
    home = {**os.environ, "HOME": str(lab.dir)}
    lab.client.run(path, "-A", "tcp/22", "-a", lab.client.address, "-D", lab.gateway.address, "--no-save-args", *arguments, env=home)


def granted_rules(lab, client, daemon_path, stanza, arguments):
    """The rules after a grant, without what differs in every run: times and counters."""
    daemon = start_daemon(lab, daemon_path, stanza)
    send(lab, client, *arguments)
    lab.gateway.wait_for_rule(GRANT)
    if "tcp/22,udp/53" in arguments:  # a second rule follows the first
        lab.gateway.wait_for_rule(r"-A FWKNOP_INPUT .* --dport 53 ")
    rules = [re.sub(r"_exp_\d+", "_exp_N", rule) for rule in lab.gateway.rules()]
    check_equal(daemon.stop(), 0, "exit status of the daemon")
    return rules


def make_tests():
    for name, (stanza, arguments) in CASES.items():
        def their_client(lab, stanza=stanza, arguments=arguments):
            granted_rules(lab, peer("fwknop"), program("fwknopd"), stanza, arguments)

        def our_client(lab, stanza=stanza, arguments=arguments):
            granted_rules(lab, program("fwknop"), peer("fwknopd"), stanza, arguments)

        # Only the lab is a parameter for the runner: the defaults are bound here.
        globals()[f"test_their_client_opens_ours_{name}"] = lambda lab, run=their_client: run(lab)
        globals()[f"test_our_client_opens_theirs_{name}"] = lambda lab, run=our_client: run(lab)


make_tests()


def test_the_rules_are_the_same(lab):
    wanted = granted_rules(lab, peer("fwknop"), peer("fwknopd"), *CASES["several_ports"])
    check_equal(granted_rules(lab, program("fwknop"), program("fwknopd"), *CASES["several_ports"]), wanted)


def test_a_grant_ends_at_ours_and_theirs(lab):
    for path in (program("fwknopd"), peer("fwknopd")):
        daemon = start_daemon(lab, path, KEYS + ["FW_ACCESS_TIMEOUT 2"])
        send(lab, program("fwknop"), *WITH_KEYS)
        lab.gateway.wait_for_rule(GRANT)
        lab.gateway.wait_for_rule(GRANT, present=False)
        daemon.wait_for_line(r"Removed rule \d+ from FWKNOP_INPUT with expire time of \d+")
        check_equal(daemon.stop(), 0)


def test_a_stanza_saved_by_either_client_serves_the_other(lab):
    daemon = start_daemon(lab, program("fwknopd"), KEYS)
    home = {**os.environ, "HOME": str(lab.dir)}
    clients = (program("fwknop"), peer("fwknop"))
    for saver, user, seconds in ((*clients, 100), (*reversed(clients), 200)):  # the peer adds equal rules once a second
        (lab.dir / ".fwknoprc").unlink(missing_ok=True)
        lab.client.run(saver, "-A", "tcp/22", "-a", "10.9.0.2", "-D", lab.gateway.address, *WITH_KEYS, "-f", seconds,
                       "-n", "gateway", "--save-rc-stanza", "--no-save-args", "--force-stanza", "-T", env=home)
        lab.client.run(user, "-n", "gateway", "--no-save-args", env=home)
        daemon.wait_for_line(r"Added access rule to FWKNOP_INPUT for 10\.9\.0\.2")
    check_equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
