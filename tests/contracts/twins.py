"""The twins of which a contract is asked: the reference, and what is compiled of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from trunkline.native import MODULES


def needs(module: str) -> pytest.MarkDecorator:
    """Skip where a compiled module is not built."""
    why = f"trunkline.native.{module} is not built here"
    return pytest.mark.skipif(module not in MODULES, reason=why)


def twins(module: str, name: str) -> list[Any]:
    """Give `name` of protocol/ and of native/ as parameters of a test."""
    reference = getattr(import_module(f"trunkline.protocol.{module}"), name)
    compiled = import_module(f"trunkline.native.{module}") if module in MODULES else None
    return [
        pytest.param(reference, id="reference"),
        pytest.param(getattr(compiled, name, None), id="native", marks=needs(module)),
    ]
