"""Every test leaves nothing behind, and logs no exception unexpectedly."""

from __future__ import annotations

import pytest

from tests.contracts.escapes import escapes
from tests.tidiness import tidiness
from trunkline.engines.choose import VARIABLE

__all__ = ["escapes", "tidiness"]


@pytest.fixture(autouse=True)
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Ask for an engine where a test is parametrized with one.

    Fixtures like this one come in the order of their names: this one is before `tidiness`, which
    makes the engine.
    """
    name: str | None = getattr(request, "param", None)
    if name is not None:
        monkeypatch.setenv(VARIABLE, name)
    return name
