"""The same bytes on many streams, on each kind of stream."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from trunkline.engines.fanout import fan_out


class Note:
    """A stream that takes note, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.is_writing_paused = False
        self.written = b""
        self.was_aborted = False
        self._error = error

    def write(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self.written += data

    def abort(self) -> None:
        self.was_aborted = True


def test_every_stream_with_room_gets_the_bytes_and_the_others_are_given_back() -> None:
    streams: Any = [Note(), Note(), Note()]
    streams[1].is_writing_paused = True
    assert fan_out(streams, b"abc") == [streams[1]]
    assert [stream.written for stream in streams] == [b"abc", b"", b"abc"]


def test_a_stream_that_fails_is_aborted_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    streams: Any = [Note(), Note(OSError("broken")), Note()]
    with caplog.at_level(logging.ERROR, "trunkline.engine"):
        assert fan_out(streams, b"abc") == []
    assert [stream.written for stream in streams] == [b"abc", b"", b"abc"]
    assert [stream.was_aborted for stream in streams] == [False, True, False]
    assert "a stream failed in a fan-out" in caplog.text
