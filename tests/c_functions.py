"""The functions of a C file, and their sizes.

Read as text: comments, strings and preprocessor lines are blanked, then braces are counted.
"""

import re
from collections.abc import Iterator

NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
BRACE_OR_END = re.compile(r"[{};]")
FUNCTION = re.compile(r"(\w+)\s*\((?:[^()]|\([^()]*\))*\)\s*$")


def blank(match: re.Match[str]) -> str:
    """Leave the line ends, and a string as a word of its own."""
    text = match[0]
    return '""' if text[0] in "\"'" else re.sub(r"[^\n]+", " ", text)


def outer_blocks(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield where each outermost block's declaration begins, where it opens, where it closes."""
    depth = begin = opened = 0
    for match in BRACE_OR_END.finditer(text):
        if match[0] == "{":
            opened = opened if depth else match.start()
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if not depth:
                yield begin, opened, match.end()
        if not depth:
            begin = match.end()


def function_sizes(text: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of code lines of every function."""
    code = PREPROCESSOR.sub(blank, NOT_CODE.sub(blank, text))
    for begin, opened, closed in outer_blocks(code):
        if found := FUNCTION.search(code[begin:opened]):
            yield found[1], sum(map(bool, map(str.strip, code[begin:closed].split("\n"))))
