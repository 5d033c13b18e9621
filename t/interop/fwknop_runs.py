# SPDX-License-Identifier: GPL-2.0-or-later
"""The fwknop clients side by side: rc files of the field, then random ones with random command lines, in fresh homes.

The same exit status, output, files, and packet: its fields, and which of the keys at hand opens and signs it. SEED= makes
others. Values and combinations that doc/DEVIATIONS.md lists are left out.
"""
import base64
import difflib
import hashlib
import hmac
import os
import pathlib
import random
import re
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_root, need_tools, peer, program
from lab import Lab

CASES = 100
KEY, HMAC_KEY = b"0123456789abcdef0123456789abcdef", b"another key, for the HMAC alone, and a longer one"
KEY_64, HMAC_64 = (base64.b64encode(key).decode() for key in (KEY, HMAC_KEY))
KEYS, HMAC_KEYS = [b"k1", KEY, b"a:b", "schl\u00fcssel".encode(), b"from file"], [HMAC_KEY, b"h1", b"'h'"]
ENOUGH = ["-T", "-A", "tcp/22", "-a", "1.1.1.1", "-D", "127.0.0.1", "--key-rijndael", "k1"]
YES_OR_NO = ["Y", "N", "y", "n", "Yes", "1"]

# --- files of the field: name: (rc file, command line) ---------------------------------------------------------------

STANZA = f"ACCESS tcp/22\nSPA_SERVER 127.0.0.1\nALLOW_IP 9.9.9.9\nKEY_BASE64 {KEY_64}\nHMAC_KEY_BASE64 {HMAC_64}\nUSE_HMAC Y\n"
FIELD = {
    "as --save-rc-stanza writes it": (f"[default]\n\n[remote]\n{STANZA}".replace(" ", " " * 12), ["-n", "remote", "-T", "-v"]),
    "other case": (f"[Default]\nDIGEST_TYPE Md5\n[MyServer]\n{STANZA}HMAC_DIGEST_TYPE SHA512\n", ["-n", "myserver", "-T", "-v"]),
    "sent": (f"[default]\n[x]\n{STANZA}", ["-n", "x", "-v"]),
    "colons and comments": ("[default]\nVERBOSE Y\nNO_SAVE_ARGS: Y\n[home]\nSPA_SERVER: 127.0.0.1   # my box\nSPA_SERVER_PORT: 62202;1\n"
                            "ACCESS:\ttcp/22\nKEY_FILE $W/keys\nALLOW_IP: 1.2.3.4\n", ["-n", "home", "-T"]),
    "a byte order mark": ("\ufeff[default]\nSPOOF_USER bob\n", ENOUGH),
    "carriage returns": ("[default]\r\nSPOOF_USER bob\r\n\r\n# c\r\n[x]\r\nFW_TIMEOUT 60\r\n", [*ENOUGH, "-n", "x"]),
    "names of old versions": ("[default]\nCLIENT_TIMEOUT 30\nENABLE_HTTP Y\nHTTP_PROXY proxy:8080\n", ENOUGH),
    "an empty value": ("[default]\nGPG_RECIPIENT\n[x]\nKEY k\n", [*ENOUGH, "-n", "x"]),
    "an empty value in a stanza not used": ("[x]\nGPG_RECIPIENT\n[default]\nSPOOF_USER a\n", ENOUGH),
    "text in front": ("SPOOF_USER nobody\n[default]\nDIGEST_TYPE md5\n", ENOUGH),
    "text behind a header": ("[default] # mine\nSPOOF_USER bob\n[x]y[z]\nSPOOF_USER al\n", [*ENOUGH, "-n", "x"]),
    "port behind the host": ("[default]\n", [*ENOUGH, "-D", "localhost:62201", "-v"]),
    "spoofed": ("[default]\nSPOOF_SOURCE_IP 3.3.3.3\nSPA_SERVER_PROTO udpraw\n", [*ENOUGH, "-v"]),
    "http": ("[default]\nSPA_SERVER_PROTO http\nSPA_SERVER_PORT 80\n", [*ENOUGH, "-v"]),
    "wget": ("[default]\nWGET_CMD $W/wget\nRESOLVE_IP_HTTP Y\nRESOLVE_URL https://ip.example/\nACCESS tcp/22\nKEY k1\n", ["-T", "-v"]),
    "GnuPG without a key ring": ("[default]\nUSE_GPG Y\nGPG_RECIPIENT ABCD1234\nGPG_SIGNER DEADBEEF\nGPG_HOMEDIR $W/none\n", ENOUGH),
}
BESIDE = {"keys": "127.0.0.1:  from file\n", "wget": "#!/bin/sh\necho \"$@\" > $0.arguments\necho 5.6.7.8\n"}

# --- random ones -----------------------------------------------------------------------------------------------------

ALONE = {  # directive: values
    "DIGEST_TYPE": ["md5", "SHA1", "sha256", "Sha384", "sha512", "sha3_256", "SHA3_512", "sha-1"],
    "SPA_SERVER_PROTO": ["udp", "TCP", "http", "udpraw", "tcpraw", "Icmp", "bogus"], "SPA_SERVER_PORT": ["1", "65535", "0080", "65536", "-1"],
    "SPA_SOURCE_PORT": ["0", "7", "65536"], "FW_TIMEOUT": ["0", "30", "65536", "65537"], "VERBOSE": ["0", "1", "2", "Y", "N", "3", "5"],
    "ALLOW_IP": ["1.2.3.4", "source", "SOURCE", "1.2.3", "host", "::1", "255.255.255.255"], "TIME_OFFSET": ["60", "2h", "1Day", "10min", "+5", "65537"],
    "ENCRYPTION_MODE": ["CBC", "cbc", "ctr", "ECB", "cfb", "OFB", "legacy", "PCBC"], "SPOOF_USER": ["bob", "a.b-c", "b@d", '"q"', "\u00fc"],
    "ACCESS": ["tcp/22", "udp/53", "tcp/22,udp/1194", "TCP/22", "tcp/0", "none/0", "tcp/65536", "tcp/022", "icmp/8", "22"],
    "SPA_SERVER": ["127.0.0.1", "localhost"], "SPOOF_SOURCE_IP": ["3.3.3.3", "host"], "HTTP_USER_AGENT": ["UA/1"], "WGET_CMD": ["/nonexistent"],
    "GPG_RECIPIENT": ["ABCD"], "GPG_HOMEDIR": ["/nonexistent/"], "GPG_EXE": ["/nonexistent"], "CLIENT_TIMEOUT": ["30"], "digest_type": ["md5"],
} | {name: YES_OR_NO for name in ("RAND_PORT", "NO_SAVE_ARGS", "USE_WGET_USER_AGENT", "SERVER_RESOLVE_IPV4", "RESOLVE_HTTP_ONLY", "GPG_NO_SIGNING_PW")}
TOGETHER = [  # of each of these one, in one section
    [{}, {"NAT_ACCESS": "10.0.0.1:80"}, {"NAT_ACCESS": "10.0.0.1,80", "NAT_PORT": "4000"}, {"NAT_ACCESS": "web.lan"}, {"NAT_LOCAL": "Y", "SPA_SERVER": "127.0.0.1"},
     {"NAT_LOCAL": "y", "NAT_RAND_PORT": "Y", "SPA_SERVER": "127.0.0.1"}, {"NAT_ACCESS": "10.0.0.1:0"}, {"NAT_ACCESS": "-x:1"}],
    [{}, {"KEY": "k1"}, {"KEY": "a:b"}, {"KEY": "schl\u00fcssel"}, {"KEY_BASE64": KEY_64}, {"KEY_BASE64": KEY_64.rstrip("=")}, {"KEY_BASE64": "a%b"},
     {"KEY_FILE": "$W/keys"}, {"KEY_FILE": "$W/none"}],
    [{}, {}, {"HMAC_KEY": "h1"}, {"HMAC_KEY": "'h'", "HMAC_DIGEST_TYPE": "sha512"}, {"HMAC_KEY_BASE64": HMAC_64, "USE_HMAC": "Y"},
     {"HMAC_KEY_BASE64": HMAC_64, "USE_HMAC": "N", "HMAC_DIGEST_TYPE": "md5"}, {"HMAC_KEY": "k1"}, {"HMAC_DIGEST_TYPE": "md6", "HMAC_KEY": "h1"}],
]
OPTIONS = [["-v"], ["-v", "-v"], ["-f", "77"], ["-U", "cli"], ["-p", "9"], ["-P", "tcp"], ["-P", "udpraw"], ["-m", "sha1"], ["-A", "udp/1"],
           ["-a", "2.2.2.2"], ["-s"], ["-D", "localhost"], ["-S", "8"], ["--no-save-args"], ["-M", "ctr"], ["--time-offset-plus", "1d"], ["-B", "packet"],
           ["-r"], ["--spoof-user=x"], ["--nat-l", "-D", "127.0.0.1"], ["-V"], ["--stanza-list"], ["--show-last"], ["-l"], ["-k"], ["--no-such-option"]]


def random_section(chance, names, shares):
    lines = {name: chance.choice(ALONE[name]) for name in chance.sample(sorted(ALONE), chance.choice([0, 0, 1, 2, 3]))}
    for index, groups in enumerate(TOGETHER):
        if shares[index] == len(names):
            lines |= chance.choice(groups)
    pairs = chance.sample(sorted(lines.items()), len(lines))
    return [chance.choice(["", "", " ", "\t"]) + name + chance.choice(["", "", ":"]) + chance.choice([" ", "\t", "     "]) + value +
            chance.choice(["", "", " ", "\t# why", ";x", "#"]) for name, value in pairs]


def random_case(chance):
    """An rc file and the words of a command line."""
    sections = ["default", *chance.sample(["vpn", "My Box", "h.example"], chance.choice([0, 1, 1, 2]))]
    shares = [chance.randrange(len(sections)) for _ in TOGETHER]  # which section gets the group
    lines, names = [], []
    for section in sections:
        lines += [f"[{section}]", *random_section(chance, names, shares), *chance.choice([[], [""], ["# a comment"], [";x"]])]
        names.append(section)
    words = ["-T"] + [word for option in chance.sample(OPTIONS, chance.choice([0, 1, 2, 3])) for word in option]
    if chance.random() < 0.6:
        words = ENOUGH[:chance.choice([7, 9])] + words
    if len(sections) > 1 and chance.random() < 0.7:
        words += ["-n", chance.choice([sections[1], sections[1].upper(), sections[-1], "none"])]
    if chance.random() < 0.15:
        words += chance.choice([["--save-rc-stanza"], ["--save-rc-stanza", "--force-stanza"], ["--save-rc-stanza", "-k"]])
    if "--save-rc-stanza" in words:  # -s is not saved by the peer
        words = [word for word in words if word != "-s"]
    if "-v" in words:  # VERBOSE does not count beside it
        lines = [line for line in lines if "VERBOSE" not in line]
    newline = chance.choice(["\n", "\n", "\n", "\r\n"])
    return newline.join(lines) + newline, words


# --- both programs ---------------------------------------------------------------------------------------------------

def fields_of_the_packet(match):
    """A plaintext without its random value and time; the texts in it readable."""
    parts = match[2].split(":")
    texts = [base64.b64decode(part + "=" * (-len(part) % 4)).decode(errors="replace") if i in (1, 5, 6) and not part.isdigit() else part
             for i, part in enumerate(parts)]
    return match[1] + ":".join(["R", texts[1], "T", *texts[3:]])


def without_chance(text):
    """What every run has otherwise is replaced."""
    text = re.sub(r"2\.6\.1[01](-latchkey-[\w.]+)?", "VERSION", text)
    text = re.sub(r"HTTP/1\.[01]", "HTTP/1.x", text)  # 2.6.10 says 1.0
    text = re.sub(r"(?s)\nUsage: fwknop .*", "\nUSAGE", text)
    text = re.sub(r"(Updating param \(\d+\) \w*KEY\w* to ).*", r"\1***", text)
    text = re.sub(r"(Random Value: )\d{16}", r"\1R", text)
    text = re.sub(r"(Timestamp: )(\d+)", lambda m: m[1] + str(round((int(m[2]) - time.time()) / 100)), text)
    text = re.sub(r"(Encoded Data: )(\S+)", fields_of_the_packet, text)
    for label in ("Data Digest: ", "HMAC: ", "Final SPA Data: ", "KEY_BASE64:? +", r"GET \S*/"):
        text = re.sub(rf"({label})([\w+/=-]{{20,}})", lambda m: f"{m[1]}{len(m[2])} characters", text)
    text = re.sub(r"((?:source|destination) port: )(?!62201)\d{5}\n", r"\1random\n", text)
    port = re.search(r"Randomly assigned port '(\d+)'", text)
    return text.replace(port[1], "random") if port else text


def opened_by(output):
    """The HMAC key that signs the packet, and the key that opens it where the mode is CBC."""
    packet, mac = re.search(r"Final SPA Data: (\S+)", output), re.search(r"^ +HMAC: ([\w+/]+)$", output, re.M)
    kind = re.search(r"HMAC Type: \d \((\w+)\)", output)
    if not packet:
        return []
    text = "U2FsdGVkX1" + packet[1][:len(packet[1]) - len(mac[1]) if mac else None]
    signers = [key for key in HMAC_KEYS if mac and mac[1] == base64.b64encode(hmac.digest(key, text.encode(), kind[1].lower())).decode().rstrip("=")]
    return [f"signed by {signers}"] + ([f"opened by {next((key for key in KEYS if opens(key, text)), None)}"] if "(CBC)" in output else [])


def opens(key, text):
    raw, derived, part = base64.b64decode(text + "=" * (-len(text) % 4)), b"", b""
    while len(derived) < 48:
        part = hashlib.md5(part + key + raw[8:16]).digest()
        derived += part
    done = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-K", derived[:32].hex(), "-iv", derived[32:48].hex()], input=raw[16:],
                          capture_output=True)
    return done.returncode == 0 and done.stdout[:16].isdigit()


def text_of(path):
    """A file without what the peer drops from rc files: comments and blank lines."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if path.name == ".fwknoprc":
        text = "".join(line + "\n" for line in text.splitlines() if line.strip() and line[0] not in "#;")
    return f"{len(text)} characters" if path.name == "packet" else text


def run(lab, binary, rc, words):
    with tempfile.TemporaryDirectory(prefix="fwknop-run-") as name:
        folder = pathlib.Path(name)
        put = {".fwknoprc": rc, **{f"work/{file}": text for file, text in BESIDE.items()}}
        (folder / "work").mkdir()
        for file, text in put.items():
            (folder / file).write_bytes(text.replace("$W", f"{folder}/work").encode())
            (folder / file).chmod(0o755 if file.endswith("wget") else 0o600)
        (folder / ".fwknop.run").write_text(" ".join(["fwknop", *ENOUGH, "-U", "saved", "\n"]))
        (folder / ".fwknop.run").chmod(0o600)
        done = lab.client.run(binary, *words, check=False, cwd=folder / "work", input="y\nn\n" * 4, errors="surrogateescape",
                              start_new_session=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": name, "LC_ALL": "C", "TZ": "UTC"})
        lines = [f"exit status {done.returncode}", done.stdout, done.stderr]
        lines += [f"{path.relative_to(folder)} {stat.filemode(path.stat().st_mode)}\n{text_of(path)}" for path in sorted(folder.rglob("*")) if path.is_file()]
        shown = without_chance("\n".join(lines).replace(name, "$HOME").replace(binary, "fwknop"))
        # The peer does not quote words with blanks.
        return shown.replace('"', "").splitlines() + opened_by(done.stdout)


def compare(lab, what, rc, words):
    theirs, ours = (run(lab, binary, rc, words) for binary in (peer("fwknop"), program("fwknop")))
    check_equal("\n".join(difflib.unified_diff(theirs, ours, "peer", "ours", lineterm="", n=0)), "", f"{what}\n{rc}\n{words}")
    return ours[0] == "exit status 0"


def test_files_of_the_field(lab):
    need_root()
    need_tools("openssl")
    for name, (rc, words) in FIELD.items():
        compare(lab, name, rc, words)


def test_random_runs(lab):
    need_root()
    need_tools("openssl")
    seed = int(os.environ.get("SEED", 1))
    chance = random.Random(seed)
    good = sum(compare(lab, f"case {number} of SEED={seed}", *random_case(chance)) for number in range(CASES))
    check(good > CASES // 5, f"only {good} runs end well")


if __name__ == "__main__":
    main(Lab)
