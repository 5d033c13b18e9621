# SPDX-License-Identifier: GPL-2.0-or-later
"""A fwknopd on the gateway of a lab, the keys of its stanza, and a client that asks it."""
from harness import program

KEY, HMAC_KEY = "c29tZSBzZWNyZXQga2V5IG9mIDMyIGJ5dGVzIGxvbmc=", "YW5vdGhlciBrZXksIGZvciB0aGUgSE1BQyBvbmx5Li4uLi4="
READY = "Starting fwknopd main event loop"
STANZA = f"SOURCE ANY\nKEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\nREQUIRE_SOURCE_ADDRESS Y\n"


def configure(lab, options="", stanza="", run_dir=None):
    """Writes both files, the lines of `stanza` behind the usual ones; the options that name them."""
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface};\nFWKNOP_RUN_DIR {run_dir or lab.dir / 'run'};\n{options}")
    return ["-c", conf, "-a", lab.write("access.conf", STANZA + stanza)]


def spawn(lab, files, *arguments, around=(), **how):
    """A daemon in the foreground, which listens. `around`: the program that starts it."""
    daemon = lab.gateway.spawn(*around, program("fwknopd"), "-f", *files, *arguments, **how)
    daemon.wait_for_line(READY)
    return daemon


def start(lab, options="", stanza=""):
    return spawn(lab, configure(lab, options, stanza))


def ask(lab, *arguments, allowed=None):
    """One packet from the client; `allowed`: the address that it asks for (its own)."""
    lab.client.run(program("fwknop"), "-a", allowed or lab.client.address, "-D", lab.gateway.address, "--key-base64-rijndael", KEY,
                   "--key-base64-hmac", HMAC_KEY, "--use-hmac", "--no-save-args", "--rc-file", "/dev/null", *arguments)


def grant(lab, port, timeout_s):
    """Asks for a port, and waits until it is open."""
    ask(lab, "-A", f"tcp/{port}", "-f", timeout_s)
    lab.gateway.wait_for_rule(rf"--dport {port} ")
