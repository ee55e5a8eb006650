"""What is compiled, and the reason where something is not: asked without ever failing."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from trunkline import native
from trunkline.native import AVAILABLE, MODULES, NAMES, OPTIONAL, PLATFORM, WHY_NOT, look

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src/trunkline/native"


class BrokenModule:
    """Finds `trunkline.native.broken`, which fails in the way that it is told to."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "trunkline.native.broken":
            raise self.failure


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(sys.modules, "trunkline.native.working", ModuleType("working"))
    return "working"


def break_with(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    monkeypatch.setattr(sys, "meta_path", [BrokenModule(failure), *sys.meta_path])


def test_what_is_there_agrees_with_the_reason() -> None:
    assert (WHY_NOT is None) == AVAILABLE
    assert {*NAMES, *OPTIONAL} >= MODULES
    assert not AVAILABLE or set(NAMES) <= MODULES


def test_the_names_are_those_of_the_sources() -> None:
    assert {*NAMES, *OPTIONAL} == {path.stem for path in SOURCE.glob("*.pyx")}


def test_the_build_makes_every_name() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text()
    found = re.search(r"set\(MODULES\s+([\w\s]+)\)", text)
    assert found and set(found[1].split()) == set(NAMES)
    assert re.findall(r"list\(APPEND MODULES (\w+)\)", text) == [*OPTIONAL]


def test_a_module_that_works_is_named(working: str) -> None:
    assert look([working], PLATFORM) == ({"working"}, None)


def test_a_module_that_was_not_compiled_is_the_reason(working: str) -> None:
    why = "this build has no compiled trunkline.native.absent"
    assert look([working, "absent"], PLATFORM) == ({"working"}, why)


def test_an_optional_module_is_no_reason(working: str) -> None:
    assert look([], PLATFORM, [working, "absent"]) == ({"working"}, None)


def test_the_first_reason_is_told() -> None:
    assert look(["first", "second"], PLATFORM)[1] == (
        "this build has no compiled trunkline.native.first"
    )


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (ImportError("undefined symbol: x\n"), "undefined symbol: x"),
        (ModuleNotFoundError("No module named 'gone'", name="gone"), "No module named 'gone'"),
        (ValueError("Endpoint size\n changed"), "Endpoint size changed"),
    ],
)
def test_a_module_that_fails_is_the_reason_in_one_line(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, text: str
) -> None:
    break_with(monkeypatch, failure)
    why = f"trunkline.native.broken cannot be imported: {text}"
    assert look(["broken"], PLATFORM) == (frozenset(), why)


def test_another_platform_is_the_reason() -> None:
    assert look([], "win32") == (frozenset(), "the native engine needs linux, and this is win32")


def test_the_package_says_what_it_is() -> None:
    assert sorted(native.__all__) == ["AVAILABLE", "MODULES", "WHY_NOT"]
