"""The version: one place, in the form that packages have."""

import re
from importlib.metadata import version

from trunkline.version import VERSION


def test_the_version_has_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+|\.dev\d+)?", VERSION)


def test_the_installed_package_has_this_version() -> None:
    assert version("trunkline") == VERSION
