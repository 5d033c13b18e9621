# SPDX-License-Identifier: GPL-2.0-or-later
"""The ranges and defaults of the man pages, tried on the programs: both ends are taken, what is beyond is not."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import BUILD, Skip, check, check_equal, main, program
from man_page import entries, sections

RANGE = re.compile(r"\b(\d+) to (\d+)\b")
# Where the argument is more than the number, or the option needs another one.
ARGUMENTS = {"--nat-port": "-N 10.0.0.5 --nat-port {}", "--key-len": "-k --key-len {}", "--icmp-type": "-P icmp --icmp-type {}",
             "--icmp-code": "-P icmp --icmp-code {}", "--hmac-key-len": "-k --hmac-key-len {}"}
CLIENT = "-T -A tcp/22 -a 192.0.2.7 -D 127.0.0.1 --no-rc-file --no-save-args --key-rijndael secret"
# The ranges that a number has to keep to; others are about lengths, or what is drawn at random.
NOT_TYPED = ("--key-rijndael", "--rand-port")


def entries_of(page, *wanted):
    """[(names, paragraph)] of these sections."""
    return [entry for name, text in sections(page) if name in wanted for entry in entries(text)]


def ranges(page, wanted):
    """{last name of an entry: (least, most)}."""
    found = {}
    for tags, text in entries_of(page, *wanted):
        if match := RANGE.search(text):
            for tag in tags:
                found[re.findall(r"--[\w-]+|%?[A-Za-z_]{3,}\w*", tag)[0]] = (int(match[1]), int(match[2]))
    return found


def run(name, *arguments):
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def check_range(what, bounds, accepts):
    least, most = bounds
    for value, wanted in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        check_equal(accepts(value), wanted, f"{what} {value}")


def test_options_of_fwknop():
    found = ranges("fwknop.8", ["OPTIONS"])
    check(len(found) >= 10, f"only {sorted(found)}")
    for name, bounds in found.items():
        if name in NOT_TYPED:
            continue
        words = ARGUMENTS.get(name, name + " {}")
        check_range(name, bounds,
                    lambda value: run("fwknop", *CLIENT.split(), *words.format(value).split()).returncode == 0)


def longest(page, section, name):
    """How many bytes a key may have, as the page says it."""
    text, = (text for tags, text in entries_of(page, section) if tags[0].split()[0] == name)
    return int(re.search(r"(\d+) bytes", text)[1])


def test_lengths_of_keys():
    """At the most that the pages say, and beyond; client and server."""
    with tempfile.TemporaryDirectory() as folder:
        files = Configuration(folder)
        rc_file = os.path.join(folder, "rc")

        def client_takes(*words):
            return run("fwknop", *CLIENT.replace("--key-rijndael secret", "").split(), *words).returncode == 0

        def rc_takes(lines):
            with open(rc_file, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(f"[default]\n{lines}\n")
            return run("fwknop", *CLIENT.replace("--no-rc-file", f"--rc-file {rc_file}").replace("--key-rijndael secret", "").split()
                       ).returncode == 0

        def server_warns(lines):
            files.dump(access=f"SOURCE 192.0.2.0/24\nREQUIRE_SOURCE Y\n{lines}\n")
            return "bytes" in run("fwknopd", "--test-config", "-r", folder, "-c", f"{folder}/fwknopd.conf", "-a", f"{folder}/access.conf").stderr

        for extra, wanted in ((0, True), (1, False)):
            def key(page, section, name, extra=extra):
                return "k" * (longest(page, section, name) + extra)

            check_equal(client_takes("--key-rijndael", key("fwknop.8", "OPTIONS", "--key-rijndael")), wanted, "--key-rijndael")
            check_equal(client_takes("--key-rijndael", "x", "--key-hmac", key("fwknop.8", "OPTIONS", "--key-hmac")), wanted, "--key-hmac")
            check_equal(rc_takes("KEY " + key("fwknoprc.5", "DIRECTIVES", "KEY")), wanted, "KEY")
            check_equal(rc_takes("KEY x\nHMAC_KEY " + key("fwknoprc.5", "DIRECTIVES", "HMAC_KEY")), wanted, "HMAC_KEY")
            check_equal(server_warns("KEY " + key("access.conf.5", "DIRECTIVES", "KEY")), not wanted, "KEY of a server")
            check_equal(server_warns("KEY x\nHMAC_KEY " + key("access.conf.5", "DIRECTIVES", "HMAC_KEY")), not wanted,
                        "HMAC_KEY of a server")


def test_directives_of_fwknoprc():
    with tempfile.TemporaryDirectory() as folder:
        rc_file = os.path.join(folder, "rc")

        def accepts(name, value):
            with open(rc_file, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(f"[default]\n{name} {value}\n")
            return run("fwknop", *CLIENT.replace("--no-rc-file", f"--rc-file {rc_file}").split()).returncode == 0

        found = ranges("fwknoprc.5", ["DIRECTIVES"])
        check(len(found) >= 4, f"only {sorted(found)}")
        for name, bounds in found.items():
            if name != "KEY":
                check_range(name, bounds, lambda value, name=name: accepts(name, value))


def test_options_of_fwknopd():
    for name, bounds in ranges("fwknopd.8", ["OPTIONS"]).items():
        check_range(name, bounds, lambda value, name=name: run("fwknopd", "--key-gen", name, str(value)).returncode == 0)


class Configuration:
    """fwknopd's files in a folder; texts() reads them anew."""

    def __init__(self, folder, daemon=None):
        self.folder, self.daemon = folder, daemon or program("fwknopd")

    def dump(self, conf="", access="SOURCE ANY\nKEY secret\n"):
        for name, text in (("fwknopd.conf", conf), ("access.conf", access)):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
        return subprocess.run([self.daemon, "-f", "-D", "-r", self.folder, "-c", f"{self.folder}/fwknopd.conf", "-a",
                               f"{self.folder}/access.conf"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def firewall_of(keyword):
    """The program whose fwknopd checks the keyword."""
    return "FIREWALL_EXE /sbin/ipfw\n" if "IPFW" in keyword else "FIREWALL_EXE /sbin/pfctl\n" if "PF_" in keyword else ""


def check_keywords_of_fwknopd_conf(found, daemon=None):
    with tempfile.TemporaryDirectory() as folder:
        files = Configuration(folder, daemon)
        for name, bounds in found.items():
            check_range(name, bounds, lambda value, name=name: files.dump(
                f"{firewall_of(name)}IPFW_ACTIVE_SET_NUM 5\nIPFW_EXPIRE_SET_NUM 6\n{name} {value}\n").returncode == 0)


def keywords_with_range(is_of_nfqueue):
    return {name: bounds for name, bounds in ranges("fwknopd.conf.5", ["DIRECTIVES"]).items()
            if name.startswith("NFQ_") == is_of_nfqueue}


def test_keywords_of_fwknopd_conf():
    found = keywords_with_range(is_of_nfqueue=False)
    check(len(found) >= 14, f"only {sorted(found)}")
    check_keywords_of_fwknopd_conf(found)


def test_keywords_of_the_netfilter_queue():
    daemon = os.path.join(BUILD, "t", "netns", "fwknopd_nfqueue")
    if not os.path.exists(daemon):
        raise Skip("libnetfilter_queue is missing")
    found = keywords_with_range(is_of_nfqueue=True)
    check_equal(sorted(found), ["NFQ_LOOP_SLEEP", "NFQ_PORT", "NFQ_QUEUE_NUMBER"])
    check_keywords_of_fwknopd_conf(found, daemon)


def test_keywords_of_access_conf():
    with tempfile.TemporaryDirectory() as folder:
        files = Configuration(folder)
        found = ranges("access.conf.5", ["DIRECTIVES"])
        check_equal(sorted(found), ["CMD_CYCLE_TIMER", "FW_ACCESS_TIMEOUT", "MAX_FW_TIMEOUT"])
        for name, bounds in found.items():
            check_range(name, bounds, lambda value, name=name: files.dump(
                access=f"SOURCE ANY\nKEY secret\n{name} {value}\nCMD_CYCLE_OPEN a\nCMD_CYCLE_CLOSE b\nCMD_CYCLE_TIMER 1\n"
                if name != "CMD_CYCLE_TIMER" else
                f"SOURCE ANY\nKEY secret\nCMD_CYCLE_OPEN a\nCMD_CYCLE_CLOSE b\n{name} {value}\n").returncode == 0)


def defaults(page):
    return {tag.split()[0]: match[1] for tags, text in entries_of(page, "DIRECTIVES")
            for match in [re.search(r"Default: (.*)\.$", text)] if match for tag in tags}


def test_defaults_of_fwknopd_conf():
    """Every keyword that the dump shows: its default, or that it has none."""
    with tempfile.TemporaryDirectory() as folder:
        said = defaults("fwknopd.conf.5")
        shown = {}
        for firewall in ("", "FIREWALL_EXE /usr/bin/firewall-cmd\n", "FIREWALL_EXE /sbin/ipfw\n", "FIREWALL_EXE /sbin/pfctl\n"):
            done = Configuration(folder).dump(firewall)
            check_equal(done.returncode, 0, done.stderr)
            shown |= dict(re.findall(r"^ *\d+\. (\w+) += +'(.*)'$", done.stdout, re.MULTILINE))
        check(len(shown) > 60, f"only {len(shown)}")
        for name, value in shown.items():
            # Paths are Debian's in the page, and some were given on the command line.
            if not value.startswith("/"):
                check_equal(said.get(name, "<not set>"), value, name)


def test_the_sample_shows_the_defaults():
    """What fwknopd.conf has behind a # is what counts without it, but for the examples that its head names."""
    sample = Path(BUILD, "dist/fwknop/fwknopd.conf").read_text(encoding="utf-8")
    examples = re.search(r"\(([A-Z_, ]+)\)", sample)[1].split(", ")
    # Paths depend on the build and on the command line.
    lines = [name + value for name, value in re.findall(r"^#([A-Z_]+)( +[^/\n]+)$", sample, re.MULTILINE) if name not in examples]
    check(len(lines) > 30, f"only {len(lines)} settings")
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        for text in ("", "\n".join(lines) + "\n"):
            done = Configuration(folder).dump(text)
            check_equal(done.returncode, 0, done.stderr)
            shown.append(dict(re.findall(r"^ *\d+\. (\w+) += +'(.*)'$", done.stdout, re.MULTILINE)))
    unset, uncommented = shown
    off = {"<not set>": ("N", "0")}
    check_equal({name: (unset[name], value) for name, value in uncommented.items()
                 if value != unset[name] and value not in off.get(unset[name], ())}, {})


def test_defaults_of_access_conf():
    with tempfile.TemporaryDirectory() as folder:
        dump = Configuration(folder).dump().stdout.split("Current fwknopd access settings:")[1]
        shown = dict(re.findall(r"^ *(\w+):  (.*)$", dump, re.MULTILINE))
        said = {"ENCRYPTION_MODE": "", "HMAC_DIGEST_TYPE": "", **defaults("access.conf.5")}
        for name, value in shown.items():
            if name in said and name not in ("HMAC_DIGEST_TYPE", "ENCRYPTION_MODE"):
                check_equal({"N": "No", "Y": "Yes"}.get(said[name], said[name]), value, name)
        check(shown["HMAC_DIGEST_TYPE"] == "3" or "HMAC_KEY" in dump, dump)


def test_defaults_of_fwknop():
    shown = run("fwknop", *CLIENT.split(), "-v", "--use-hmac", "--key-hmac", "other").stdout
    for text in ("Digest Type: 3 (SHA256)", "HMAC Type: 3 (SHA256)", "Encryption Mode: 2 (CBC)", "protocol: udp",
                 "destination port: 62201", "source port: <OS assigned>", "Client Timeout: 0"):
        check(re.search(re.escape(text).replace(r"\ ", r"\s+"), shown), f"{text!r} is not in {shown}")


def test_timeouts_of_knockd_conf():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "knockd.conf")

        def accepts(name, value):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"[door]\nsequence = 1\ncommand = true\n{name} = {value}\n")
            return "disabling the door" not in run("knockd", "-c", path, "--test-config").stdout

        found = {name: bounds for name, bounds in ranges("knockd.conf.5", ["DIRECTIVES"]).items() if bounds[1] > 65535}
        check_equal(sorted(found), ["Cmd_Timeout", "Seq_Cooldown", "Seq_Timeout"])
        for name, bounds in found.items():
            check_range(name, bounds, lambda value, name=name: accepts(name, value))


def test_delay_of_knock():
    least, most = ranges("knock.1", ["OPTIONS"])["--delay"]
    for value in (least - 1, most + 1):
        check_equal(run("knock", "-d", str(value), "127.0.0.1", "1").returncode, 1, f"-d {value}")
    # The operands are looked at behind the delay: this is about an unknown protocol, and nothing is sent.
    for value in (least, most):
        check("unknown protocol" in run("knock", "-d", str(value), "127.0.0.1", "1:x").stderr, f"-d {value}")


def test_exit_codes():
    """Those of EXIT STATUS that need no network; the others have tests in t/netns."""
    with tempfile.TemporaryDirectory() as folder:
        files = Configuration(folder)
        files.dump()
        server = ("fwknopd", "-r", folder, "-c", f"{folder}/fwknopd.conf", "-a", f"{folder}/access.conf")
        for wanted, *command in ((0, "knock", "-V"), (1, "knock", "-h"), (1, "knock"), (1, "knock", "--nosuch"),
                                 (0, "knockd", "-V"), (0, "knockd", "-h"), (1, "knockd", "--nosuch"),
                                 (1, "knockd", "-c", f"{folder}/none"), (1, "knockd", "-c", f"{folder}/none", "--test-config"),
                                 (0, "fwknop", "-V"), (0, "fwknop", "-h"), (1, "fwknop", "--nosuch"), (0, "fwknop", "-k"),
                                 (1, "fwknop", "-n", "none"), (0, "fwknopd", "-V"), (0, "fwknopd", "-h"),
                                 (1, "fwknopd", "--nosuch"), (0, *server, "--dump-serv-err-codes"),
                                 (0, *server, "--exit-parse-config", "-f"), (0, *server, "--test-config"),
                                 (1, *server, "-S"), (1, *server, "-K"), (1, *server, "-R"), (1, *server, "-S", "-K"),
                                 (1, "fwknopd", "--afl-fuzzing"), (1, "fwknopd", "--fault-injection-tag", "x"),
                                 (1, "fwknop", "--fault-injection-tag", "x")):
            environment = {**os.environ, "HOME": folder}
            done = subprocess.run([program(command[0]), *command[1:]], capture_output=True, text=True, env=environment,
                                  check=False)
            check_equal(done.returncode, wanted, f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
