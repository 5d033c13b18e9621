# SPDX-License-Identifier: GPL-2.0-or-later
"""SPA commands run as the user that the stanza names, sudo included."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import ask, start
from harness import check_equal, main
from lab import Lab


def run_command(lab, stanza):
    """What a stand-in for sudo was started as, and with which words; and the log line about it."""
    told = lab.dir / "told"
    told.mkdir()
    told.chmod(0o777)
    sudo = lab.dir / "sudo"
    sudo.write_text(f'#!/bin/sh\necho "$(id -un) $(id -gn): $*" >{told}/words\n')
    sudo.chmod(0o755)
    daemon = start(lab, f"SUDO_EXE {sudo};\n", "ENABLE_CMD_EXEC Y\n" + stanza)
    ask(lab, "--server-cmd", "a command")
    line = daemon.wait_for_line("Running command ").string
    daemon.wait_for_line("CMD_EXEC: command returned 0, pid_status: 0")
    check_equal(daemon.stop(), 0)
    return (told / "words").read_text().strip(), line.split(str(sudo))[1]


def test_sudo_is_started_by_the_user_of_the_stanza(lab):
    """What that user may do by sudo is for the sudoers file to say; root may do all."""
    words, line = run_command(lab, "ENABLE_CMD_SUDO_EXEC Y\nCMD_EXEC_USER nobody\nCMD_SUDO_EXEC_USER daemon\n")
    check_equal(words, "nobody nogroup: -u daemon a command")
    check_equal(line, " -u daemon a command' setuid/setgid user/group to nobody/nobody (UID=65534,GID=65534)")


def test_sudo_is_started_by_root_where_the_stanza_names_no_user(lab):
    words, line = run_command(lab, "ENABLE_CMD_SUDO_EXEC Y\nCMD_EXEC_GROUP daemon\n")
    check_equal(words, "root root: a command")
    check_equal(line, " a command'")


def test_the_group_of_sudo_counts_by_itself(lab):
    words, line = run_command(lab, "ENABLE_CMD_SUDO_EXEC Y\nCMD_SUDO_EXEC_GROUP daemon\n")
    check_equal(words, "root root: -g daemon a command")
    check_equal(line, " -g daemon a command'")


if __name__ == "__main__":
    main(Lab)
