"""A message for many: encoded once, compressed once."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.connection.form import PLAIN, Form
from trunkline.connection.shared_message import SharedMessage
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.endpoint import Endpoint
from trunkline.protocol.events import Binary, Event, Text
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.role import Role

SQUEEZED = Form(12, 64)
DEFLATE = DeflateParameters(server=Direction(True, 12), client=Direction())


def share(message: Any, text: bool | None = None, *, compress: bool = True) -> SharedMessage:
    return SharedMessage(message, text=text, compress=compress)


def read(frame: bytes) -> list[Event]:
    reader = PerMessageDeflate(Role.CLIENT, DEFLATE)
    return Endpoint(Role.CLIENT, extensions=[reader], new_mask_key=lambda: bytes(4)).receive_bytes(
        frame
    )


@pytest.mark.parametrize("form", [PLAIN, SQUEEZED])
@pytest.mark.parametrize(
    ("message", "text", "wanted"),
    [
        ("ä" * 99, None, Text("ä" * 99)),
        ("ä" * 99, False, Binary("ä".encode() * 99)),
        (b"a" * 99, None, Binary(b"a" * 99)),
        (bytearray(b"a" * 99), True, Text("a" * 99)),
        (memoryview(b"abc")[::2], None, Binary(b"ac")),
        ("", None, Text("")),
    ],
)
def test_a_message_is_one_frame_of_its_kind(
    form: Form, message: Any, text: bool | None, wanted: Event
) -> None:
    assert read(share(message, text).frame(form)) == [wanted]


def test_a_frame_is_made_once_for_all_that_send_it_alike() -> None:
    message = share("a" * 99)
    assert message.frame(SQUEEZED) is message.frame(Form(12, 99))
    assert message.frame(SQUEEZED) is not message.frame(Form(9, 64))
    assert len(message.frame(SQUEEZED)) < len(message.frame(PLAIN))


@pytest.mark.parametrize(
    "message",
    [share("a" * 63), share("a" * 99, compress=False), share(bytes(range(256)))],
    ids=["short", "told not to", "incompressible"],
)
def test_what_does_not_pay_is_sent_plain(message: SharedMessage) -> None:
    assert message.frame(SQUEEZED) == message.frame(PLAIN)


@pytest.mark.parametrize("message", [None, 1, ["a"], iter("a")])
def test_what_is_no_message_of_one_piece_is_refused(message: Any) -> None:
    with pytest.raises(TypeError, match="what is sent to many is str or bytes, not"):
        share(message)


@pytest.mark.parametrize(("message", "text"), [("\ud800", None), (b"\xff", True)])
def test_what_is_no_text_is_refused(message: Any, text: bool | None) -> None:
    with pytest.raises(ValueError):
        share(message, text)
