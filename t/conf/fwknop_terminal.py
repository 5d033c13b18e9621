# SPDX-License-Identifier: GPL-2.0-or-later
"""The fwknop client at a terminal (tmux): prompts without echo, the overwrite question, Ctrl-C and signals."""
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import check, check_equal, main, need_tools, program, wait_until
from lab import Lab, children

ASK = "-A tcp/22 -a 1.1.1.1 -D 127.0.0.1 --no-save-args"


class Terminal:
    """A shell in a tmux of its own, in the client's namespace."""

    def __init__(self, lab):
        need_tools("tmux")
        self.lab = lab
        self.home = lab.dir / "home"
        self.home.mkdir()
        self.rc = lab.write("home/.fwknoprc", "[default]\n")
        with lab.client:
            self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.server.bind(("127.0.0.1", 62201))
        self.server.setblocking(False)
        lab.sockets.append(self.server)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C", "TERM": "screen"}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", "sh", env=environment)
        self.wait_for("[#$]$")

    def tmux(self, *arguments, **how):
        return self.lab.client.run("tmux", "-S", self.lab.dir / "tmux", *arguments, **how).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J").rstrip()

    def wait_for(self, pattern):
        def seen():
            return re.search(pattern, self.screen(), re.MULTILINE)
        try:
            return wait_until(seen, what=pattern)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen:\n{self.screen()}") from None

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def press(self, key):
        self.tmux("send-keys", key)

    def start(self, arguments):
        """Runs the client; the shell says afterwards how it ended."""
        self.type(f"clear; {program('fwknop')} {arguments}; echo status=$?")
        self.press("Enter")

    def ended(self):
        return int(self.wait_for(r"^status=(\d+)")[1])

    def packets(self):
        got = []
        while True:
            try:
                got.append(self.server.recv(2048))
            except BlockingIOError:
                return got

    def check_echo(self):
        """What is typed shows again, as at every shell prompt."""
        self.press("Enter")
        self.type("echo visi''ble")
        self.wait_for(r"echo visi''ble")
        self.press("Enter")
        self.wait_for("^visible")


def test_key_is_asked_for_without_echo(lab):
    terminal = Terminal(lab)
    terminal.start(ASK)
    terminal.wait_for("^Enter encryption key:$")
    terminal.type("secretkey")
    terminal.press("Enter")
    check_equal(terminal.ended(), 0, "exit status")
    check("secretkey" not in terminal.screen(), "the key shows:\n" + terminal.screen())
    packets = wait_until(terminal.packets, what="the packet")
    check(len(packets) == 1 and re.fullmatch(rb"[A-Za-z0-9+/]{161}", packets[0]), repr(packets))
    terminal.check_echo()


def asked_for_a_key(lab, more=""):
    terminal = Terminal(lab)
    terminal.start(f"{ASK} {more}")
    terminal.wait_for("^Enter encryption key:")
    return terminal


def test_both_keys_and_backspace(lab):
    terminal = asked_for_a_key(lab, "--use-hmac")
    terminal.type("abX")
    terminal.press("BSpace")
    terminal.type("c")
    terminal.press("Enter")
    terminal.wait_for("^Enter HMAC key:")
    terminal.type("abc")
    terminal.press("Enter")
    check_equal(terminal.ended(), 1, "exit status")
    terminal.wait_for("encryption passphrase and HMAC key should not be identical, no SPA packet sent")
    check_equal(terminal.packets(), [], "packets")
    terminal.check_echo()


def test_ctrl_c_at_the_prompt_sends_nothing(lab):
    terminal = asked_for_a_key(lab)
    terminal.type("half a ke")
    terminal.press("C-c")
    check_equal(terminal.ended(), 1, "exit status")
    check_equal(terminal.packets(), [], "packets")
    terminal.check_echo()


def test_signal_at_the_prompt_gives_the_terminal_back(lab):
    terminal = asked_for_a_key(lab)
    shell = int(terminal.tmux("display-message", "-p", "#{pane_pid}"))
    client, = children(shell)
    os.kill(client, signal.SIGTERM)
    check_equal(terminal.ended(), 128 + signal.SIGTERM, "exit status")
    check_equal(terminal.packets(), [], "packets")
    terminal.check_echo()


def test_process_list_shows_no_keys(lab):
    terminal = asked_for_a_key(lab, "--key-hmac topsecret --key-base64-hmac=c2VjcmV0")
    client, = children(int(terminal.tmux("display-message", "-p", "#{pane_pid}")))
    with open(f"/proc/{client}/cmdline", "rb") as file:
        words = file.read()
    check(b"--key-hmac" in words and b"topsecret" not in words and b"c2VjcmV0" not in words, repr(words))
    terminal.press("C-c")
    check_equal(terminal.ended(), 1, "exit status")


def test_overwrite_question(lab):
    terminal = Terminal(lab)
    for answer, key in (("n", "old"), ("y", "new")):
        terminal.rc.write_text("[default]\n[x]\nKEY old\n")
        terminal.start(f"-T {ASK} --key-rijndael new --save-rc-stanza -n x")
        terminal.wait_for(r"^Variable 'KEY' found in stanza 'x'. Overwrite \[N/y\] \?")
        terminal.type(answer)
        terminal.press("Enter")
        check_equal(terminal.ended(), 0, "exit status")
        check_equal(re.findall(r"^KEY +(\S+)", terminal.rc.read_text(), re.MULTILINE), [key], answer)


if __name__ == "__main__":
    main(Lab)
