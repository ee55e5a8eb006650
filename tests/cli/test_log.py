import logging

import pytest

from trunkline.cli.log import log_to

logger = logging.getLogger("trunkline.test")


@pytest.mark.parametrize(
    ("verbosity", "levels"),
    [
        (0, ["WARNING"]),
        (1, ["WARNING", "INFO"]),
        (2, ["WARNING", "INFO", "DEBUG"]),
        (9, ["WARNING", "INFO", "DEBUG"]),
    ],
)
def test_verbosity_chooses_what_is_written(verbosity: int, levels: list[str]) -> None:
    lines: list[str] = []
    with log_to(lines.append, verbosity):
        logger.warning("said")
        logger.info("said")
        logger.debug("said")
    assert lines == [f"{level} trunkline.test: said" for level in levels]


def test_afterwards_the_log_is_as_it_was() -> None:
    root = logging.getLogger()
    before = (root.level, [*root.handlers])
    with log_to(print, 2):
        assert (root.level, root.handlers) != before
    assert (root.level, root.handlers) == before


def test_what_a_peer_wrote_is_made_visible_line_by_line() -> None:
    lines: list[str] = []
    with log_to(lines.append, 0):
        logger.warning("one\x1b[2J\ntwo")
    assert lines == ["WARNING trunkline.test: one\\x1b[2J\ntwo"]
