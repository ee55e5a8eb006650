"""Small functions, small files.

A line of a function counts when code stands on it: blanks, comments and docstrings do not.
"""

import ast
import io
import re
import statistics
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src"
EXCEPTIONS = Path(__file__).with_name("size_exceptions.toml")

FUNCTION_LIMIT_LINES = 60
FUNCTION_ASK_LINES = 40  # above it, a function needs a reason in size_exceptions.toml
FUNCTION_MEDIAN_LINES = 6
FILE_LIMIT_LINES = 500  # as `wc -l` counts
FILE_KINDS = {".py", ".pyx", ".pxd", ".c", ".h", ".html", ".css", ".js"}

NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Scope = FunctionNode | ast.ClassDef


# Measuring


def lines_of(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def docstring_lines(tree: ast.AST) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, Scope) and ast.get_docstring(node, clean=False) is not None:
            lines |= lines_of(node.body[0])
    return lines


def code_lines(text: str, tree: ast.AST) -> set[int]:
    """Number the lines of a file that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines: set[int] = set()
    for token in tokens:
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(tree)


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, FunctionNode]]:
    """Yield every function with its qualified name; a nested one counts for itself as well."""
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}{node.name}" if isinstance(node, Scope) else ""
        if isinstance(node, FunctionNode):
            yield name, node
        yield from functions(node, f"{name}." if name else prefix)


def function_sizes(source: Path) -> dict[str, int]:
    """Map `path:qualified.name` of every function below `source` to its number of code lines."""
    sizes: dict[str, int] = {}
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(text := path.read_text())
        code = code_lines(text, tree)
        for name, node in functions(tree):
            where = f"{path.relative_to(source.parent).as_posix()}:{name}"
            sizes[where] = max(len(code & lines_of(node)), sizes.get(where, 0))
    return sizes


CYTHON_HEAD = re.compile(r" *(?:cdef|cpdef|def) (?!class |extern )[^=]*\(")
C_HEAD = re.compile(r"\w[^;]*\)$")
COMPILED = {".pyx": CYTHON_HEAD, ".pxd": CYTHON_HEAD, ".c": C_HEAD, ".h": C_HEAD}


def compiled_sizes(source: Path) -> dict[str, int]:
    """Map `path:number of the first line` of every compiled function to its number of lines.

    Both languages are told by how they are set: what belongs to a function is indented, or it is a
    bracket.
    """
    sizes: dict[str, int] = {}
    for path in sorted(path for path in source.rglob("*") if path.suffix in COMPILED):
        lines = path.read_text().split("\n")
        for number, line in enumerate(lines, 1):
            if COMPILED[path.suffix].match(line):
                where = f"{path.relative_to(source.parent).as_posix()}:{number}"
                sizes[where] = 1 + lines_inside(lines[number:], len(line) - len(line.lstrip()))
    return sizes


def lines_inside(lines: list[str], indent: int) -> int:
    """Count what is indented deeper, up to what is not."""
    count = 0
    for line in filter(str.strip, lines):
        if len(line) - len(line.lstrip()) <= indent and line.strip()[0] not in "){":
            break
        count += 1
    return count


# Judging


def judge_functions(sizes: dict[str, int], reasons: dict[str, str]) -> Iterator[str]:
    for where, size in sizes.items():
        if size > FUNCTION_LIMIT_LINES:
            yield f"{where} has {size} code lines, limit {FUNCTION_LIMIT_LINES}"
        elif size > FUNCTION_ASK_LINES and not reasons.get(where, "").strip():
            yield f"{where} has {size} code lines, above {FUNCTION_ASK_LINES} without a reason"


def judge_compiled(sizes: dict[str, int]) -> Iterator[str]:
    """Ask nobody for a reason: declarations and docstrings count here."""
    return judge_functions(sizes, dict.fromkeys(sizes, "they count"))


def judge_exceptions(sizes: dict[str, int], reasons: dict[str, str]) -> Iterator[str]:
    for where in reasons:
        if sizes.get(where, 0) <= FUNCTION_ASK_LINES:
            yield f"{where} needs no exception: it has {sizes.get(where, 0)} code lines"


def judge_files(source: Path, reasons: dict[str, str]) -> Iterator[str]:
    long: set[str] = set()
    for path in sorted(path for path in source.rglob("*") if path.suffix in FILE_KINDS):
        lines = path.read_text().count("\n")
        name = str(path.relative_to(source.parent))
        if lines > FILE_LIMIT_LINES:
            long.add(name)
            if not reasons.get(name, "").strip():
                yield f"{name} has {lines} lines, limit {FILE_LIMIT_LINES}"
    yield from (f"{name} needs no exception" for name in reasons if name not in long)


# The package


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    return function_sizes(SOURCE)


@pytest.fixture(scope="module")
def reasons() -> dict[str, str]:
    return tomllib.loads(EXCEPTIONS.read_text())["functions"]


def long_files() -> dict[str, str]:
    reasons: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text())["files"]
    return reasons


def test_no_function_is_too_long(sizes: dict[str, int], reasons: dict[str, str]) -> None:
    wrong = list(judge_functions(sizes, reasons))
    assert not wrong, "\n".join(wrong)


def test_no_compiled_function_is_too_long() -> None:
    wrong = list(judge_compiled(compiled_sizes(SOURCE)))
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_still_needed(sizes: dict[str, int], reasons: dict[str, str]) -> None:
    wrong = list(judge_exceptions(sizes, reasons))
    assert not wrong, "\n".join(wrong)


def test_the_median_function_is_small(sizes: dict[str, int]) -> None:
    assert statistics.median(sizes.values()) <= FUNCTION_MEDIAN_LINES


def test_no_file_is_too_long() -> None:
    wrong = list(judge_files(SOURCE, long_files()))
    assert not wrong, "\n".join(wrong)


# The check itself, on planted trees


def plant(root: Path, text: str) -> Path:
    source = root / "src"
    source.mkdir()
    (source / "a.py").write_text(text)
    return source


def function_of(code_lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (code_lines - 1)


def test_only_lines_with_code_count(tmp_path: Path) -> None:
    text = '''
@decorator
def f(
    a,
):
    """One.

    Two.
    """
    # why

    a = """
    text
    """
    return a
'''
    assert function_sizes(plant(tmp_path, text)) == {"src/a.py:f": 7}


def test_methods_and_nested_functions_are_named_by_their_place(tmp_path: Path) -> None:
    text = (
        "class C:\n"
        "    async def m(self):\n"
        "        if True:\n"
        "            def g(): pass\n"
        "            class D:\n"
        "                def h(self): pass\n"
    )
    sizes = function_sizes(plant(tmp_path, text))
    assert sizes == {"src/a.py:C.m": 5, "src/a.py:C.m.g": 1, "src/a.py:C.m.D.h": 1}


def test_of_two_functions_with_one_name_the_longer_counts(tmp_path: Path) -> None:
    text = "@overload\ndef f(a): ...\n" + function_of(code_lines=3) + "def f(b): ...\n"
    assert function_sizes(plant(tmp_path, text)) == {"src/a.py:f": 3}


@pytest.mark.parametrize(
    ("size", "reason", "wrong"),
    [
        (40, None, []),
        (41, None, ["src/a.py:f has 41 code lines, above 40 without a reason"]),
        (41, " ", ["src/a.py:f has 41 code lines, above 40 without a reason"]),
        (60, "one table", []),
        (61, "one table", ["src/a.py:f has 61 code lines, limit 60"]),
    ],
)
def test_a_long_function_needs_a_reason(
    tmp_path: Path, size: int, reason: str | None, wrong: list[str]
) -> None:
    sizes = function_sizes(plant(tmp_path, function_of(size)))
    reasons = {} if reason is None else {"src/a.py:f": reason}
    assert list(judge_functions(sizes, reasons)) == wrong


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.pyx",
            "cdef class C:\n    cdef int f(\n        self,\n    ) except -1:\n{}    cdef int g",
        ),
        ("a.c", "static int f(void)\n{{\n{}}}\n\nint g;"),
    ],
)
@pytest.mark.parametrize("size", [60, 61])
def test_a_long_compiled_function_is_found(tmp_path: Path, name: str, text: str, size: int) -> None:
    source = plant(tmp_path, "")
    line = "        x = 1\n"
    own = 3 if name == "a.pyx" else 2
    (source / name).write_text(text.format(line * (size - own)))
    sizes = compiled_sizes(source)
    assert list(sizes.values()) == [size]
    assert len(list(judge_compiled(sizes))) == (size > FUNCTION_LIMIT_LINES)


@pytest.mark.parametrize(
    ("where", "size", "wrong"),
    [
        ("src/a.py:f", 41, []),
        ("src/a.py:f", 40, ["src/a.py:f needs no exception: it has 40 code lines"]),
        ("src/a.py:gone", 41, ["src/a.py:gone needs no exception: it has 0 code lines"]),
    ],
)
def test_an_exception_without_need_is_found(
    tmp_path: Path, where: str, size: int, wrong: list[str]
) -> None:
    sizes = function_sizes(plant(tmp_path, function_of(size)))
    assert list(judge_exceptions(sizes, {where: "one table"})) == wrong


@pytest.mark.parametrize(
    ("lines", "wrong"), [(500, []), (501, ["src/a.py has 501 lines, limit 500"])]
)
def test_a_long_file_is_found(tmp_path: Path, lines: int, wrong: list[str]) -> None:
    assert list(judge_files(plant(tmp_path, "x = 1\n" * lines), {})) == wrong


def test_a_long_file_needs_a_reason_and_a_short_one_none(tmp_path: Path) -> None:
    source = plant(tmp_path, "x = 1\n" * (FILE_LIMIT_LINES + 1))
    (name,) = [wrong.split()[0] for wrong in judge_files(source, {})]
    assert not list(judge_files(source, {name: "one idea"}))
    assert list(judge_files(source, {name: " "}))
    assert list(judge_files(source, {name: "one idea", "other.py": "one idea"})) == [
        "other.py needs no exception"
    ]
