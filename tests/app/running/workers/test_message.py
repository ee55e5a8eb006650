import pytest

from trunkline.app.running.workers import message
from trunkline.app.running.workers.message import Lines, Say, encode


def test_a_message_is_one_line() -> None:
    line = encode(Say.DISCONNECT, user="a\nb", code=3503)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert Lines().feed(line) == [{"say": Say.DISCONNECT, "user": "a\nb", "code": 3503}]


def test_messages_may_be_cut_anywhere() -> None:
    data = encode(Say.DRAIN) + encode(Say.CUT)
    for cut in range(len(data) + 1):
        lines = Lines()
        found = lines.feed(data[:cut]) + lines.feed(data[cut:])
        assert [each["say"] for each in found] == [Say.DRAIN, Say.CUT]


def test_a_message_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message, "LARGEST_CONTROL_LINE", 10)
    lines = Lines()
    assert lines.feed(b"x" * 10) == []
    with pytest.raises(ValueError, match="message is 11 bytes, limit 10"):
        lines.feed(b"x")
