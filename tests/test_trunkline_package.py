"""The package itself; its names are tested in test_public_api.py."""

import subprocess
import sys

import pytest

import trunkline
from trunkline.version import VERSION


def test_the_package_knows_its_version() -> None:
    assert trunkline.__version__ == VERSION


def test_everything_that_is_offered_can_be_imported() -> None:
    names: dict[str, object] = {}
    exec("from trunkline import *", names)
    assert set(trunkline.__all__) <= set(names)


FRUGAL = """
import sys
import trunkline
parts = ("trunkline.app", "trunkline.auth", "msgspec", "pydantic", "jwt", "prometheus", "uvloop")
print([name for name in sys.modules if name.startswith(parts)])
print(trunkline.App.__name__, trunkline.auth.JWT.__name__, "App" in vars(trunkline))
"""


def test_a_client_imports_nothing_of_applications_and_nothing_of_others() -> None:
    found = subprocess.run(
        [sys.executable, "-c", FRUGAL], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\nApp JWT True\n"


def test_names_of_applications_are_imported_when_they_are_asked_for() -> None:
    from trunkline.app.app import App

    vars(trunkline).pop("App", None)
    assert trunkline.App is App
    assert vars(trunkline)["App"] is App
    vars(trunkline).pop("auth", None)
    assert trunkline.auth.__name__ == "trunkline.auth"


def test_a_name_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError, match="module 'trunkline' has no attribute 'Nothing'"):
        getattr(trunkline, "Nothing")  # noqa: B009
