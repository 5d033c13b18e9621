# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys in the memory of running processes: read as a core image would hold it, and searched."""
import base64
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from gpg_home import GpgHome
from harness import Skip, check, check_equal, main, need_plain_build, program, wait_until
from lab import Lab, children
from memory import StoppedAtExit, find

SECRETS = {name: random.Random(name).randbytes(32) for name in ("key", "hmac key")}
PASSPHRASE = b"a-passphrase-of-a-key-ring"
KEY, HMAC_KEY = (base64.b64encode(secret).decode() for secret in SECRETS.values())


def need_memory():
    need_plain_build()
    if os.environ.get("WRAP"):
        raise Skip("Valgrind's memory is not the program's")


def write_rc(lab):
    path = lab.write("fwknoprc", "\n".join((
        "[default]", "ACCESS tcp/22", f"ALLOW_IP {lab.client.address}", f"SPA_SERVER {lab.gateway.address}",
        f"KEY_BASE64 {KEY}", f"HMAC_KEY_BASE64 {HMAC_KEY}", "USE_HMAC Y")) + "\n")
    os.chmod(path, 0o600)
    return path


def client_words(lab):
    return [program("fwknop"), "--rc-file", write_rc(lab), "--no-save-args", "-n", "default"]


STANZA = f"SOURCE ANY\nKEY_BASE64 {KEY}\nHMAC_KEY_BASE64 {HMAC_KEY}\n"


def start_daemon(lab, stanzas=STANZA):
    conf = lab.write("fwknopd.conf", f"PCAP_INTF {lab.gateway.interface}\nFWKNOP_RUN_DIR {lab.dir}/run\n")
    access = lab.write("access.conf", stanzas)
    daemon = lab.gateway.spawn(program("fwknopd"), "-f", "-c", conf, "-a", access)
    daemon.wait_for_line("Starting fwknopd main event loop")
    return daemon


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def process_of(daemon, name):
    return wait_until(lambda: [pid for pid in children(daemon.pid) if name_of(pid) == f"fwknopd: {name}"], what=name)[0]


def check_only_locked(hits, who):
    """The keys themselves, in locked memory alone; no base64 text of a key anywhere."""
    check(any(form == "plain" for _, form, _, _ in hits), f"{who}: the keys are not found at all, so the search is broken")
    bad = [hit for hit in hits if not hit[3] or hit[1] == "base64"]
    check_equal(bad, [], f"{who}: copies of keys beside those in locked memory")


def test_the_search_finds_what_is_there():
    held = SECRETS["key"]
    hits = find(os.getpid(), {"key": held})
    check(("plain" in {form for _, form, _, _ in hits}) and held, f"own key not found: {hits}")


def test_the_client_keeps_nothing(lab):
    need_memory()
    daemon = start_daemon(lab)
    with StoppedAtExit(client_words(lab), preexec_fn=lab.client._enter_child, stdout=subprocess.DEVNULL) as pid:
        check(find(pid, {"its command line": b"--no-save-args"}), "the memory was not read")
        check_equal(find(pid, SECRETS), {}, "keys in the memory of a client that has sent its packet")
    daemon.wait_for_line("Added access rule")


TYPED = {"key": b"a typed key of 32 characters....", "hmac key": b"another one, typed for the HMAC, as long as it gets"}
WORDS = [word for option, key in zip(("--key-rijndael", "--key-hmac"), TYPED.values()) for word in (option, key.decode())]
LINES = "".join(f"127.0.0.1: {key.decode()}\n" for key in TYPED.values())
ASKED = ["-T", "-A", "tcp/22", "-a", "1.1.1.1", "-D", "127.0.0.1", "--rc-file", "$D/rc", "-E", "$D/run"]
WAYS = {  # how keys come and where they go: (command line, files, standard input)
    "words, which are saved": ([*ASKED, *WORDS], {}, ""),
    "words of the last run": (["-l", "--rc-file", "$D/rc", "-E", "$D/run"], {"run": " ".join(["fwknop", *ASKED, *(f'"{word}"' for word in WORDS)]) + "\n"}, ""),
    "key files": ([*ASKED, "-G", "$D/key", "--get-hmac-key", "$D/mac"], {"key": LINES.splitlines()[0] + "\n", "mac": LINES.splitlines()[1] + "\n"}, ""),
    "standard input": ([*ASKED, "--use-hmac", "--stdin"], {}, "".join(key.decode() + "\n" for key in TYPED.values())),
    "a new stanza": ([*ASKED, *WORDS, "--save-rc-stanza", "-n", "x", "-v", "-v"], {"rc": "[default]\nFW_TIMEOUT 3\n" * 100}, ""),
    "a stanza that is kept": ([*ASKED, *WORDS, "--save-rc-stanza", "-n", "x"],
                              {"rc": "[x]\nKEY_BASE64 " + base64.b64encode(TYPED["key"]).decode() + "\n" * 3000}, "n\n"),
}


def test_the_client_keeps_nothing_whichever_way_keys_come(lab):
    need_memory()
    for way, (words, files, typed) in WAYS.items():
        for name, text in {"rc": "[default]\n", "run": "", **files}.items():
            os.chmod(lab.write(name, text.replace("$D", str(lab.dir))), 0o600)
        with open(lab.write("typed", typed), encoding="ascii") as stdin, \
                StoppedAtExit([program("fwknop"), *(word.replace("$D", str(lab.dir)) for word in words)], stdin=stdin,
                              stdout=subprocess.DEVNULL) as pid:
            check(find(pid, {"its command line": b"--rc-file"}), "the memory was not read")
            check_equal(find(pid, TYPED), {}, f"{way}: keys in the memory of a client at its end")
        check("tcp/22" in open(lab.dir / "run", encoding="ascii").read(), f"{way}: the run did not come far")


def test_nothing_is_kept_of_keys_that_are_made(lab):
    need_memory()
    rc, made = lab.write("rc", "[default]\n"), lab.dir / "made"
    os.chmod(rc, 0o600)
    for words in ([program("fwknop"), "-k", "--save-rc-stanza", "-n", "x", "-K", made, "--rc-file", rc],
                  [program("fwknop"), "-k", "--rc-file", rc], [program("fwknopd"), "--key-gen"], [program("fwknopd"), "--key-gen-file", made]):
        printed = lab.dir / "printed"
        with open(printed, "w", encoding="ascii") as output, StoppedAtExit(words, stdout=output) as pid:
            lines = (made if made in words else printed).read_text(encoding="ascii")
            keys = dict(line.split(": ") for line in lines.splitlines())
            check_equal(sorted(keys), ["HMAC_KEY_BASE64", "KEY_BASE64"], f"{words}: lines")
            check_equal(find(pid, {name: base64.b64decode(key) for name, key in keys.items()}), {}, f"{words}: keys that were made")


def test_the_daemon_keeps_them_in_locked_memory(lab):
    need_memory()
    daemon = start_daemon(lab)
    sensor = process_of(daemon, "sensor")
    lab.client.run(*client_words(lab))
    daemon.wait_for_line("Added access rule")
    check_only_locked(find(sensor, SECRETS), "sensor")
    check_only_locked(find(daemon.pid, SECRETS), "monitor")

def test_thousands_of_keys_are_locked_too(lab):
    """More than libgcrypt locks at its start; the first and the last stanza's are looked for."""
    need_memory()
    others = "".join(f"SOURCE 192.0.2.1\nKEY_BASE64 {other[0]}\nHMAC_KEY_BASE64 {other[1]}\n" for other in
                     ([base64.b64encode(random.Random(n + i).randbytes(32)).decode() for i in (0, 1)]
                      for n in range(0, 4000, 2)))
    daemon = start_daemon(lab, STANZA.replace(KEY, base64.b64encode(b"x" * 32).decode()) + others +
                          f"SOURCE ANY\nKEY_BASE64 {KEY}\n")
    for pid, who in ((process_of(daemon, "sensor"), "sensor"), (daemon.pid, "monitor")):
        check_only_locked(find(pid, SECRETS), who)


def test_the_gpg_helper_has_passphrases_only(lab):
    need_memory()
    with GpgHome() as home:
        home.make_key("server", passphrase=PASSPHRASE.decode())
        daemon = start_daemon(lab, STANZA + f"SOURCE ANY\nGPG_HOME_DIR {home.path}\nGPG_DECRYPT_ID server\n"
                              f"GPG_DECRYPT_PW {PASSPHRASE.decode()}\nGPG_DISABLE_SIG Y\n")
        helper = process_of(daemon, "gpg")
        check_equal(find(helper, SECRETS), {}, "keys without gpg in the GPG helper")
        check_only_locked(find(helper, {"passphrase": PASSPHRASE}), "GPG helper")


if __name__ == "__main__":
    main(Lab)
