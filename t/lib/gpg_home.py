# SPDX-License-Identifier: GPL-2.0-or-later
"""GnuPG homes for tests: made in a temporary folder, never the user's own, their agents ended with them."""
import os
import shutil
import subprocess
import tempfile


class GpgHome:
    """`with GpgHome() as home:`; the path is short because the agent's socket lives in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="lkgpg")
        os.chmod(self.path, 0o700)
        with open(os.path.join(self.path, "gpg-agent.conf"), "w", encoding="ascii") as conf:
            conf.write("s2k-count 65536\n")  # else every use of a passphrase takes a second
        return self

    def __exit__(self, *_):
        subprocess.run(["gpgconf", "--homedir", self.path, "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def kill_agent(self):
        """So that no passphrase is remembered."""
        subprocess.run(["gpgconf", "--homedir", self.path, "--kill", "gpg-agent"], check=False)

    def gpg(self, *arguments, text=None):
        command = ["gpg", "--homedir", self.path, "--batch", "--quiet", "--no-tty", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def import_files(self, paths):
        self.gpg("--import", *paths)

    def trust(self, lines):
        self.gpg("--import-ownertrust", text=lines)

    def make_key(self, name, algorithm="rsa2048", usage="sign", subkey=("rsa2048", "encrypt"), passphrase=""):
        """A key pair, with an encryption subkey unless `subkey` is None; returns the primary fingerprint."""
        answer = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        self.gpg(*answer, "--quick-generate-key", f"{name} <{name}@example.invalid>", algorithm, usage, "never")
        fingerprint = self.fingerprint(name)
        if subkey:
            self.gpg(*answer, "--quick-add-key", fingerprint, *subkey, "never")
        return fingerprint

    def fingerprint(self, name):
        for line in self.gpg("--with-colons", "--list-keys", name).splitlines():
            if line.startswith("fpr:"):
                return line.split(":")[9]
        raise RuntimeError(f"no key {name}")

    def export_public(self, name):
        return self.gpg("--armor", "--export", name)

    def import_text(self, armor):
        self.gpg("--import", text=armor)
