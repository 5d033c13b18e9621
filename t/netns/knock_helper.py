# SPDX-License-Identifier: GPL-2.0-or-later
"""knock_helper_ipt.sh: adds a rule once, deletes it whoever added it, knows IPv6, evaluates nothing (spec/knockd.md 9)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import SOURCE, check, check_equal, main
from lab import Lab

HELPER = os.path.join(SOURCE, "dist/knockd/knock_helper_ipt.sh")
RULE = '-A INPUT -s {0} -p tcp -m tcp --dport 22 -m comment --comment "{1}" -j ACCEPT'


def helper(lab, *arguments, wanted=0):
    done = lab.gateway.run("sh", HELPER, *arguments, check=False)
    check_equal(done.returncode, wanted, f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def test_adds_once_and_deletes(lab):
    for option, word in (("-a", "Append"), ("-i", "Insert")):
        for _ in range(2):
            helper(lab, option, "-f", "192.0.2.1", "-d", "22", "-m")
        rules = [rule for rule in lab.gateway.rules() if "--dport" in rule]
        check_equal(rules, [RULE.format("192.0.2.1/32", f"{word} by knockd")])
        helper(lab, "-x", "-f", "192.0.2.1", "-d", "22", "-m")
        check_equal([rule for rule in lab.gateway.rules() if "--dport" in rule], [])
    helper(lab, "--delete", "--srcaddr=192.0.2.1", "--dstport=22", wanted=1)


def test_ipv6(lab):
    helper(lab, "-a", "-f", "2001:db8::1", "-d", "22", "--comment=text")
    check(RULE.format("2001:db8::1/128", "Append text") in lab.gateway.rules(program="ip6tables"), "no rule")


def test_nothing_is_evaluated(lab):
    mark = lab.dir / "mark"
    helper(lab, "-a", "-f", "192.0.2.1", "-d", "22", f"-m$(touch {mark})`touch {mark}`'; touch {mark}; '")
    check(not mark.exists(), "the comment was run")


def test_refusals(lab):
    check("Error! Source IP address required\nUsage: " in helper(lab, "-a", wanted=1), "address")
    check("Error! Destination port required\nUsage: " in helper(lab, "-a", "-f", "192.0.2.1", wanted=1), "port")
    check("Error! Valid action option not specified" in helper(lab, "-f", "192.0.2.1", "-d", "22", wanted=1), "action")
    check("Error! Invalid arguments\nUsage: " in helper(lab, "-q", wanted=1), "option")
    check("NONE is not a valid NetFilter chain" in helper(lab, "-a", "-f", "192.0.2.1", "-d", "22", "-c", "NONE", wanted=1), "chain")
    check(helper(lab, "-h").startswith("Usage: "), "help")


def test_test_mode_changes_nothing(lab):
    text = helper(lab, "-a", "-t", "-v", "-f", "192.0.2.1", "-d", "22")
    check(" - Seen: 0\n" in text and "iptables -A INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT" in text, text)
    check_equal([rule for rule in lab.gateway.rules() if "--dport" in rule], [])


if __name__ == "__main__":
    main(Lab)
