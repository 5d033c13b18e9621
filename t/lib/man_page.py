# SPDX-License-Identifier: GPL-2.0-or-later
"""The man pages as the tests see them: sections, tags with their paragraphs, example blocks, messages."""
import re

from tree import TOP, read

# Where the texts of a page's program stand.
HOME_FOLDERS = {
    "knock.1": ["knock"], "knockd.1": ["knockd"], "knockd.conf.5": ["knockd"],
    "fwknop.8": ["fwknop"], "fwknoprc.5": ["fwknop"],
    "fwknopd.8": ["fwknopd"], "fwknopd.conf.5": ["fwknopd"], "access.conf.5": ["fwknopd"],
    "latchkey.conf.5": ["knockd", "fwknopd"],
}
PROGRAM_PAGES = ("knock.1", "knockd.1", "fwknop.8", "fwknopd.8")
FONTS = {"B": "B", "I": "I", "BR": "BR", "RB": "RB", "BI": "BI", "IB": "IB", "IR": "IR", "RI": "RI"}


def pages():
    return sorted(p.name for p in (TOP / "man").glob("*.[1-9]"))


def sections(page):
    """[(name, source)] of the .SH sections."""
    parts = re.split(r"^\.SH (.*)\n", read(f"man/{page}"), flags=re.MULTILINE)
    return [(name.strip('"'), text) for name, text in zip(parts[1::2], parts[2::2])]


def plain(text):
    """Without the escapes of man(7), fonts aside."""
    for escape, char in (("\\-", "-"), ("\\e", "\\"), ("\\(dq", '"'), ("\\&", ""), ("\\(bu", "*")):
        text = text.replace(escape, char)
    return text


def _runs(line):
    """[(font, text)] of a line of the source."""
    request = re.match(r"\.([A-Z]{1,2}) (.*)", line)
    if not request or request[1] not in FONTS:
        return _inline("R", line) if not line.startswith(".") else []
    words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', request[2])]
    if len(request[1]) == 1:
        return _inline(request[1], " ".join(words))
    return [run for i, word in enumerate(words) for run in _inline(request[1][i % 2], word)]


def _inline(font, text):
    parts = re.split(r"\\f([BIRP])", text)
    runs = [(font, plain(parts[0]))]
    runs += [(letter, plain(part)) for letter, part in zip(parts[1::2], parts[2::2])]
    return [(letter, part) for letter, part in runs if part]


def plain_text(source):
    return " ".join("".join(part for _, part in _runs(line)) for line in source.splitlines() if _runs(line))


def entries(source):
    """[(tags, paragraph)]: tags as plain text, those of one paragraph together."""
    found = []
    for block in re.split(r"^\.TP(?: .*)?\n", source, flags=re.MULTILINE)[1:]:
        block = re.split(r"^\.S[HS] |^\.PP", block, flags=re.MULTILINE)[0]
        tags, body = [], block
        while True:
            tag, _, body = body.partition("\n")
            tags.append(plain_text(tag))
            if not body.startswith(".TQ\n"):
                break
            body = body.removeprefix(".TQ\n")
        found.append((tags, plain_text(body)))
    return found


def messages(page):
    """The tags of DIAGNOSTICS; what is in italics, and so filled in, is {}."""
    found = []
    for block in re.split(r"^\.TP\n", dict(sections(page)).get("DIAGNOSTICS", ""), flags=re.MULTILINE)[1:]:
        runs = _runs(block.partition("\n")[0])
        found.append("".join("{}" if font == "I" else text for font, text in runs))
    return found


def example_blocks(page):
    """The blocks between .nf and .fi, or .EX and .EE, of EXAMPLES, as the page shows them."""
    text = dict(sections(page)).get("EXAMPLES", "")
    return [plain(block) for block in re.findall(r"^\.(?:nf|EX)\n(.*?)^\.(?:fi|EE)", text, re.MULTILINE | re.DOTALL)]
