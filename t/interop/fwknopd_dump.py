# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that Debian's fwknop-server installs, with keys filled in, give the same -D dump from both programs."""
import difflib
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, check_equal, main, peer, program

SHIPPED = "/etc/fwknop"
KEYS = {"KEY_BASE64": "c2hpcHBlZCBrZXkgZm9yIGEgdGVzdCBvZiBkdW1wcyE=", "HMAC_KEY_BASE64": "c2hpcHBlZCBobWFjIGtleSBmb3IgYSB0ZXN0IQ=="}
# doc/DEVIATIONS.md: 2.6.10 has no ALLOW_ANY_USER_AGENT, so its later indices are one lower; paths are those of the build.
OF_THE_BUILD = {"FWKNOP_CONF_DIR", "GPG_EXE", "FIREWALL_EXE", "SUDO_EXE", "ALLOW_ANY_USER_AGENT"}


def shipped(name):
    """The text of a shipped file; only root can read what is installed."""
    try:
        with open(os.path.join(SHIPPED, name), encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Skip(str(error)) from error


def arguments(folder):
    return ["-c", folder + "/fwknopd.conf", "-O", folder + "/override", "-a", folder + "/access.conf", "-r", folder, "-D", "-f"]


def told_and_dumped(done):
    """The lines of the dump and of standard error that both programs have."""
    lines = [re.sub(r"^ *\d+\. ", "", line) for line in done.stdout.splitlines()]
    # Ours knows the keywords of every firewall (doc/DEVIATIONS.md, 1).
    told = [line for line in done.stderr.splitlines() if not re.search(r"parameter: '\w*(FIREWD|IPFW|\bPF)_", line)]
    return [line for line in lines if line.split(" ")[0] not in OF_THE_BUILD], told


def dump(binary, folder):
    done = subprocess.run([binary, *arguments(folder)], capture_output=True, text=True, cwd=folder,
                          env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C", "TZ": "UTC"})
    check_equal(done.returncode, 0, f"{binary}: {done.stderr}")
    return told_and_dumped(done)


def compare(conf, access):
    with tempfile.TemporaryDirectory(prefix="fwknopd-dump-") as folder:
        for name, text in (("fwknopd.conf", conf), ("access.conf", access), ("override", "")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(file.name, 0o600)
        theirs, ours = dump(peer("fwknopd"), folder), dump(program("fwknopd"), folder)
        check_equal("\n".join(difflib.unified_diff(theirs[0], ours[0], "peer", "ours", lineterm="", n=0)), "")
        check_equal(ours[1], theirs[1], "standard error")


def test_shipped_files():
    access = shipped("access.conf")
    for keyword, key in KEYS.items():
        access = re.sub(rf"(?m)^{keyword}\s+__CHANGEME__", f"{keyword} {key}", access)
    compare(shipped("fwknopd.conf"), access)


def test_every_commented_setting():
    """The shipped file is nearly all comments: take the marks away where a setting stands behind one."""
    conf = re.sub(r"(?m)^#(?=[A-Z_]+ +[^;\n]+;)", "", shipped("fwknopd.conf"))
    conf = re.sub(r"(?m)^(PCAP_FILE|FWKNOP_RUN_DIR|ACCESS_FOLDER|FWKNOP_PID_FILE|DIGEST_FILE|ACCESS_FILE|PCAP_DISPATCH_COUNT)\b.*", "", conf)
    compare(conf, "SOURCE ANY\nKEY testtest\nREQUIRE_SOURCE Y\n")


if __name__ == "__main__":
    main()
