# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading the configuration: seconds and peak memory of fwknopd --exit-parse-config beside Debian's, in turns.

usage: bench/fwknopd_start.py [STANZAS FILES]...    (default: 10 1, 1000 100, 10000 1000)

Prints, for each size and program, the least time of RUNS runs and the largest resident size. Needs GNU time.
"""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "t", "lib"))
from harness import Skip, peer, program

RUNS = 5


def key(name, digest):
    return base64.b64encode(hashlib.new(digest, name.encode()).digest()).decode()


def stanza(number):
    return (f"SOURCE 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/32\n"
            f"KEY_BASE64 {key(f'k{number}', 'sha256')}\nHMAC_KEY_BASE64 {key(f'h{number}', 'sha512')}\n"
            "OPEN_PORTS tcp/22, udp/53\nREQUIRE_SOURCE_ADDRESS Y\nFW_ACCESS_TIMEOUT 60\n\n")


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o600)


def make_files(folder, stanzas, files):
    os.mkdir(folder + "/d")
    per_file = stanzas // files
    for index in range(files):
        write(f"{folder}/d/{index:05}.conf", "".join(stanza(index * per_file + i) for i in range(per_file)))
    write(folder + "/access.conf", f"%include_folder {folder}/d\n")
    write(folder + "/fwknopd.conf", "")


def run_once(binary, folder):
    """Seconds and peak kilobytes of one run. GNU time starts the program: a child of python would count its size."""
    command = [binary, "-c", folder + "/fwknopd.conf", "-O", folder + "/fwknopd.conf", "-a", folder + "/access.conf",
               "-r", folder, "--exit-parse-config"]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    taken = time.perf_counter() - begin
    if done.returncode != 0 or not done.stderr.endswith(b"Configs parsed, exiting.\n"):
        sys.exit(f"{binary}: {done.stderr.decode()}")
    measured = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, check=True)
    return taken, int(measured.stderr.split()[-1])


def main():
    words = [int(word) for word in sys.argv[1:]] or [10, 1, 1000, 100, 10000, 1000]
    programs = {"latchkey": program("fwknopd")}
    try:
        programs["debian"] = peer("fwknopd")
    except Skip as skip:
        print(skip)
    print(f"{'stanzas':>8} {'files':>6}  program    seconds  peak MB")
    for stanzas, files in zip(words[::2], words[1::2]):
        with tempfile.TemporaryDirectory(prefix="fwknopd-start-") as folder:
            make_files(folder, stanzas, files)
            results = {name: [] for name in programs}
            for _ in range(RUNS):
                for name, binary in programs.items():
                    results[name].append(run_once(binary, folder))
            for name, pairs in results.items():
                print(f"{stanzas:8} {files:6}  {name:9} {min(p[0] for p in pairs):8.4f} {max(p[1] for p in pairs) / 1024:8.1f}")


if __name__ == "__main__":
    main()
