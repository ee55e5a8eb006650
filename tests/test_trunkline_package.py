"""The package itself; its names are tested in test_public_api.py."""

import pytest

import trunkline
from trunkline.version import VERSION


def test_the_package_knows_its_version() -> None:
    assert trunkline.__version__ == VERSION


def test_everything_that_is_offered_can_be_imported() -> None:
    names: dict[str, object] = {}
    exec("from trunkline import *", names)
    assert set(trunkline.__all__) <= set(names)


def test_what_there_is_not_is_no_name() -> None:
    with pytest.raises(AttributeError, match="module 'trunkline' has no attribute 'Apps'"):
        _ = trunkline.Apps  # type: ignore[attr-defined]
