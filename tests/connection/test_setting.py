"""The setting of connections is theirs in common, so nobody changes it."""

import dataclasses
import logging
from typing import Any

import pytest

from tests.connection.memory_stream import MemoryEngine
from trunkline.connection.mistake import mistakes_of
from trunkline.connection.setting import Setting
from trunkline.limits import DEFAULT_LIMITS
from trunkline.protocol.role import Role


def test_nobody_changes_what_others_share() -> None:
    logger = logging.getLogger("trunkline.test")
    engine: Any = MemoryEngine()
    setting = Setting(engine, Role.SERVER, DEFAULT_LIMITS, logger)
    assert setting.when_lost is None
    assert setting.mistakes == mistakes_of(Role.SERVER)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setting.role = Role.CLIENT  # type: ignore[misc]
