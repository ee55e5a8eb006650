"""Imports only go down: the floors of the package, read from its `import` and `cimport` lines."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = "trunkline"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

# From the ground up. Areas of one floor are siblings and do not know each other.
FLOORS = [
    {"close_codes", "limits", "version"},
    {"errors"},
    {"protocol", "centrifuge"},
    {"native"},
    {"engines"},
    {"connection"},
    {"client", "server", "hub", "auth"},
    {"app"},
    {"brokers", "integrations", "testing"},
    {"cli", "demos"},
]
FLOOR = {area: level for level, areas in enumerate(FLOORS) for area in areas}
TOP = len(FLOORS) - 1

# The same within `app`, by what its code imports when it runs: in annotations anybody may be named.
FLOORS_OF_APP = [
    {"admission", "connection", "listening"},
    {"messages"},
    {"routing"},
    {"observation", "visit"},
    {"service"},
    {"app_server"},
    {"running"},
    {"app"},
]
FLOOR_OF_APP = {part: level for level, parts in enumerate(FLOORS_OF_APP) for part in parts}

# The package itself gathers the public names of all floors; only its users may import it.
GATHERERS = {"__init__", "__main__"}

# Up to this floor code is pure: it does no I/O, reads no clock, rolls no dice.
HIGHEST_PURE_FLOOR = FLOOR["protocol"]
FILES = {"fileinput", "glob", "io.open", "logging", "mmap", "os", "pathlib", "shutil", "tempfile"}
NETWORK = {"ftplib", "http.client", "http.server", "smtplib", "socketserver", "urllib.request"}
SOCKETS = {"asyncio", "select", "selectors", "socket", "ssl"}
PROCESSES = {
    "_thread",
    "concurrent",
    "multiprocessing",
    "queue",
    "signal",
    "subprocess",
    "threading",
}
CLOCKS = {"datetime", "sched", "time"}
DICE = {"random", "secrets", "uuid"}
IMPURE = FILES | NETWORK | SOCKETS | PROCESSES | CLOCKS | DICE

# Cython has no parser that we could use, so its import lines are read as text.
CYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^#\n]*)"
    r"|c?import[ \t]+(?P<modules>[^#\n]*))",
    re.MULTILINE,
)

Walk = Callable[[ast.AST], Iterator[ast.AST]]


# Reading


def absolute(module: str, folder: tuple[str, ...]) -> str:
    """Resolve a relative module name, as written in a file of `folder`."""
    dots = len(module) - len(module.lstrip("."))
    if not dots:
        return module
    anchor = (PACKAGE, *folder)[: len(folder) + 2 - dots]
    return ".".join(filter(None, (*anchor, module[dots:])))


def split_names(names: str) -> list[str]:
    """Split `a as b, c` into `a` and `c`."""
    return [name.split()[0] for name in names.strip("()\\ \n").split(",") if name.strip()]


def what_runs(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk through a file, but not through what is there for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from what_runs(node)


def python_imports(text: str, walk: Walk = ast.walk) -> Iterator[str]:
    """Yield what a Python file imports, as written, wherever it stands in the file."""
    for node in walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}:{a.name}" for a in node.names)


def cython_imports(text: str) -> Iterator[str]:
    """Yield what a Cython file imports or cimports, as written."""
    for match in CYTHON_IMPORT.finditer(text):
        if match["module"]:
            yield from (f"{match['module']}:{name}" for name in split_names(match["names"]))
        else:
            yield from split_names(match["modules"])


def imports(path: Path, folder: tuple[str, ...], walk: Walk = ast.walk) -> Iterator[str]:
    """Yield the absolute dotted names that a file imports; a name of a module counts as one."""
    text = path.read_text()
    for written in python_imports(text, walk) if path.suffix == ".py" else cython_imports(text):
        module, _, name = written.partition(":")
        yield ".".join(filter(None, (absolute(module, folder), name)))


# Judging


def is_impure(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in IMPURE for length in range(1, len(parts) + 1))


def judge_outside(area: str, name: str) -> str | None:
    """Say what is wrong with an area importing something that is not ours."""
    if FLOOR[area] > HIGHEST_PURE_FLOOR:
        return None
    if is_impure(name):
        return f"{area} is pure and imports {name}"
    if name.split(".")[0] not in sys.stdlib_module_names:
        return f"{area} is pure and imports {name}, which is not of the standard library"
    return None


def judge_inside(area: str, name: str) -> str | None:
    """Say what is wrong with an area importing something of the package."""
    target = name.split(".")[1] if "." in name else ""
    if target == area or FLOOR.get(target, TOP) < FLOOR[area]:
        return None
    if target not in FLOOR:
        return None if FLOOR[area] == TOP else f"{area} imports the package itself ({name})"
    return f"{area} (floor {FLOOR[area]}) imports {target} (floor {FLOOR[target]})"


def judge(area: str, name: str) -> str | None:
    is_ours = name.split(".")[0] == PACKAGE
    return judge_inside(area, name) if is_ours else judge_outside(area, name)


def violations(source: Path) -> Iterator[str]:
    """Yield one line for each import below `source` that does not go down."""
    for path in sorted(p for p in source.rglob("*") if p.suffix in {".py", ".pyx", ".pxd"}):
        *folder, file = path.relative_to(source).with_suffix("").parts
        area = folder[0] if folder else file
        if area in GATHERERS:
            continue
        if area not in FLOOR:
            yield f"{path.relative_to(source)}: {area} has no floor yet; give it one"
            continue
        for name in imports(path, tuple(folder)):
            if wrong := judge(area, name):
                yield f"{path.relative_to(source)}: {wrong}"


def judge_within_app(part: str, name: str) -> str | None:
    """Say what is wrong with a part of `app` importing something of `app`."""
    package, _, inner = name.partition(".app.")
    target = inner.split(".")[0]
    if package != PACKAGE or target == part or FLOOR_OF_APP.get(target, -1) < FLOOR_OF_APP[part]:
        return None
    return f"{part} (floor {FLOOR_OF_APP[part]}) imports {target} (floor {FLOOR_OF_APP[target]})"


def violations_within_app(app: Path) -> Iterator[str]:
    """Yield one line for each import within `app` that does not go down."""
    for path in sorted(app.rglob("*.py")):
        *folder, file = path.relative_to(app).with_suffix("").parts
        part = folder[0] if folder else file
        if part in GATHERERS:
            continue
        if part not in FLOOR_OF_APP:
            yield f"{path.relative_to(app)}: {part} has no floor yet; give it one"
            continue
        for name in imports(path, ("app", *folder), what_runs):
            if wrong := judge_within_app(part, name):
                yield f"{path.relative_to(app)}: {wrong}"


# The package


def test_imports_of_the_package_only_go_down() -> None:
    wrong = list(violations(SOURCE))
    assert not wrong, "\n".join(wrong)


def test_imports_within_app_only_go_down() -> None:
    wrong = list(violations_within_app(SOURCE / "app"))
    assert not wrong, "\n".join(wrong)


def test_the_package_was_read() -> None:
    assert {path.stem for path in SOURCE.iterdir()} >= {"limits", "errors", "protocol"}


# The check itself, on planted trees


def plant(root: Path, file: str, text: str) -> list[str]:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)
    return list(violations(root))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("errors.py", "from trunkline.close_codes import CloseCode"),
        ("protocol/frames.py", "from ..limits import Limits\nfrom .opcodes import Opcode"),
        ("protocol/frames.py", "from . import opcodes\nfrom .. import errors\nimport zlib"),
        ("protocol/uri.py", "from urllib.parse import urlsplit\nimport base64, hashlib"),
        ("native/endpoint.pyx", "from ..protocol cimport frames\nfrom libc.string cimport memcpy"),
        ("engines/asyncio_engine.py", "import asyncio\nimport uvloop"),
        ("client/connect.py", "from trunkline.connection.connection import Connection"),
        ("cli/serve.py", "import trunkline\nfrom trunkline import serve, hub"),
        ("__init__.py", "from trunkline.client import connect"),
        ("__main__.py", "from trunkline.cli import main"),
        ("server/README.md", "import client"),
    ],
)
def test_an_import_that_goes_down_passes(tmp_path: Path, file: str, text: str) -> None:
    assert plant(tmp_path, file, text) == []


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        (
            "protocol/frames.py",
            "from trunkline.connection import Connection",
            "protocol (floor 2) imports connection (floor 5)",
        ),
        (
            "protocol/frames.py",
            "def f():\n    from ..native import mask",
            "protocol (floor 2) imports native (floor 3)",
        ),
        (
            "limits.py",
            "import trunkline.close_codes as codes",
            "limits (floor 0) imports close_codes (floor 0)",
        ),
        ("hub/hub.py", "from .. import server", "hub (floor 6) imports server (floor 6)"),
        (
            "protocol/frames.py",
            "if TYPE_CHECKING:\n    from trunkline import centrifuge",
            "protocol (floor 2) imports centrifuge (floor 2)",
        ),
        (
            "hub/fanout.pyx",
            "from trunkline.server.serve cimport Server",
            "hub (floor 6) imports server (floor 6)",
        ),
        (
            "native/endpoint.pxd",
            "cimport trunkline.engines.engine as e",
            "native (floor 3) imports engines (floor 4)",
        ),
        (
            "native/endpoint.pyx",
            "from .. cimport (\n    protocol,\n    engines,\n)",
            "native (floor 3) imports engines (floor 4)",
        ),
        ("client/connect.py", "import trunkline", "client imports the package itself (trunkline)"),
        (
            "client/connect.py",
            "from .. import serve",
            "client imports the package itself (trunkline.serve)",
        ),
        ("protocol/frames.py", "import asyncio", "protocol is pure and imports asyncio"),
        (
            "protocol/frames.py",
            "from os import urandom",
            "protocol is pure and imports os.urandom",
        ),
        (
            "protocol/uri.py",
            "import urllib.request",
            "protocol is pure and imports urllib.request",
        ),
        (
            "centrifuge/codec.py",
            "from google.protobuf import message",
            "centrifuge is pure and imports google.protobuf.message, "
            "which is not of the standard library",
        ),
        ("errors.py", "import time", "errors is pure and imports time"),
        ("rooms/room.py", "", "rooms has no floor yet; give it one"),
        ("helpers.py", "", "helpers has no floor yet; give it one"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, text: str, wrong: str) -> None:
    assert plant(tmp_path, file, text) == [f"{file}: {wrong}"]


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("routing/routes.py", "from trunkline.app.messages.schema import Schema", []),
        ("routing/routes.py", "from .path import Path\nfrom ..messages import schema", []),
        ("visit.py", "if TYPE_CHECKING:\n    from trunkline.app.service import Service", []),
        ("visit.py", "import trunkline.server.desk\nimport asyncio", []),
        ("__init__.py", "from trunkline.app.app import App", []),
        (
            "messages/schema.py",
            "def f():\n    from trunkline.app import routing",
            ["messages (floor 1) imports routing (floor 2)"],
        ),
        (
            "visit.py",
            "from .observation.observer import Observer",
            ["visit (floor 3) imports observation (floor 3)"],
        ),
        ("rooms/room.py", "", ["rooms has no floor yet; give it one"]),
    ],
)
def test_the_floors_of_app_are_judged_as_well(
    tmp_path: Path, file: str, text: str, wrong: list[str]
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert list(violations_within_app(tmp_path)) == [f"{file}: {each}" for each in wrong]
