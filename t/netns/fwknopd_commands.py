# SPDX-License-Identifier: GPL-2.0-or-later
"""SPA commands run as the user that the stanza names, sudo included."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from fwknopd_lab import STANZA, ask, configure, grant, spawn, start
from harness import check, check_equal, main, program, wait_until
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


def test_the_end_waits_for_an_open_command(lab):
    """A close command that came first would leave open what the open command opens behind it."""
    door, begun = lab.dir / "door", lab.dir / "begun"
    lab.write("open", f"#!/bin/sh\ntouch {begun}\nsleep 1\ntouch {door}\n", mode=0o755)
    daemon = start(lab, "", f"CMD_CYCLE_OPEN {lab.dir}/open\nCMD_CYCLE_CLOSE /bin/rm {door}\nCMD_CYCLE_TIMER 60\n")
    ask(lab, "-A", "tcp/22")
    wait_until(begun.exists, None, "the open command")
    check_equal(daemon.stop(), 0)
    check(not door.exists(), "the door is closed")
    check(daemon.text().count("running CMD_CYCLE_CLOSE command") == 1, daemon.text())


def test_no_rule_waits_for_a_close_command_at_the_end(lab):
    """fwknopd -K waits for four seconds and kills: what is open by then stays open."""
    close = lab.write("close", "#!/bin/sh\nexec sleep 60\n", mode=0o755)
    cycle = f"OPEN_PORTS tcp/22\nCMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE {close}\nCMD_CYCLE_TIMER 60\n"
    files = configure(lab, "", cycle + STANZA)
    daemon = spawn(lab, files)
    ask(lab, "-A", "tcp/22")
    daemon.wait_for_line("Running CMD_CYCLE_CLOSE command in 60 seconds")
    grant(lab, 23, 60)
    lab.gateway.run(program("fwknopd"), *files, "-K")
    daemon.wait()
    check_equal([rule for rule in lab.gateway.rules() if "FWKNOP" in rule], [])


def test_a_close_command_that_does_not_end_is_run_again_by_the_next_start(lab):
    lab.write("close", f"#!/bin/sh\necho >>{lab.dir}/closes\n[ -e {lab.dir}/quick ] || exec sleep 60\n", mode=0o755)
    stanza = f"CMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE {lab.dir}/close\nCMD_CYCLE_TIMER 1\n"
    daemon = start(lab, "", stanza)
    ask(lab, "-A", "tcp/22")
    daemon.wait_for_line("running CMD_CYCLE_CLOSE command")
    check_equal(daemon.stop(), 0)
    lab.write("quick", "")
    for starts in (2, 2):
        daemon = start(lab, "", stanza)
        wait_until(lambda: (lab.dir / "closes").read_text().count("\n") == starts, None, f"{starts} runs")
        check_equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(Lab)
