# SPDX-License-Identifier: GPL-2.0-or-later
"""A ratchet on sizes: prints the largest files and functions, and fails when one is over its limit and larger than recorded.

`python3 t/lint/size.py --record` writes the present figures of those over the limits into sizes.txt; shrink, then record.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import main
from tree import TOP, code_files, fail_with, read

FILE_LIMIT, FUNCTION_LIMIT = 400, 60
TEST_FILE_LIMIT = 800  # tables of rows
RECORD = "t/lint/sizes.txt"
NOT_FUNCTIONS = re.compile(r"\s*(namespace|struct|class|enum|union|extern|using|#|//|if|for|while|switch|else|do\b|case|default|[{}])")


def functions_of(path):
    """(name, lines) of each function, by the layout that clang-format gives: the end stands below the begin."""
    lines = read(path).splitlines()
    for begin, line in enumerate(lines):
        if not line.endswith("{") or line.strip() == "{":
            continue
        head = begin
        while head > 0 and lines[head].startswith("    ") and lines[head - 1].strip() and not lines[head - 1].endswith((";", "{", "}")):
            head -= 1
        indent = re.match(r" *", lines[head])[0]
        name = re.search(r"([\w:~]+|operator[^\s(]+)\(", lines[head])
        if len(indent) > 4 or NOT_FUNCTIONS.match(lines[head]) or not name:
            continue
        end = next((i for i in range(begin, len(lines)) if lines[i].startswith(indent + "}")), begin)
        yield name[1], end - head + 1


def figures():
    """((kind, path, name), lines) of all files and functions, the largest first."""
    files, functions = {}, {}
    for path in code_files(".cc", ".h", ".py"):
        files["file", path, "-"] = len(read(path).splitlines())
        for name, length in functions_of(path) if not path.endswith(".py") else []:
            key = ("function", path, name)
            functions[key] = max(length, functions.get(key, 0))
    largest_first = lambda sizes: sorted(sizes.items(), key=lambda item: -item[1])
    return largest_first(files), largest_first(functions)


def recorded():
    lines = read(RECORD).splitlines() if (TOP / RECORD).exists() else []
    return {tuple(words[:3]): int(words[3]) for words in map(str.split, lines) if words and words[0] != "#"}


def over_the_limits():
    files, functions = figures()
    limit_of = lambda path: TEST_FILE_LIMIT if path.startswith("t/") else FILE_LIMIT
    return [i for i in files if i[1] > limit_of(i[0][1])] + [i for i in functions if i[1] > FUNCTION_LIMIT]


def test_nothing_grows():
    files, functions = figures()
    for (_, path, name), lines in files[:10] + functions[:10]:
        print(f"{lines:5} {path} {'' if name == '-' else name}")
    known = recorded()
    fail_with([f"{' '.join(key)}: {lines} lines (recorded: {known.get(key, 'none')})" for key, lines in over_the_limits()
               if lines > known.get(key, 0)], "split it, or record it with: python3 t/lint/size.py --record")


if __name__ == "__main__":
    if "--record" in sys.argv:
        rows = sorted(" ".join([*key, str(lines)]) for key, lines in over_the_limits())
        (TOP / RECORD).write_text("\n".join(["# KIND PATH NAME LINES of what is over the limits of size.py", *rows]) + "\n")
    else:
        main()
