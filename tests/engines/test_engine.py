"""The interface of engines, and that those who offer it have all of it."""

from __future__ import annotations

import dataclasses
import ssl

import pytest

from tests.connection.memory_stream import MemoryStream
from tests.engines.ear import Ear
from trunkline.connection.link import Link
from trunkline.engines.asyncio_engine import (
    AcceptedStream,
    AsyncioEngine,
    AsyncioListener,
    AsyncioStream,
)
from trunkline.engines.engine import Address, Engine, Listener, Receiver, Stream, Tls, elsewhere


def methods(interface: type) -> set[str]:
    return {name for name in vars(interface) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("interface", "kind"),
    [
        (Engine, AsyncioEngine),
        (Listener, AsyncioListener),
        (Receiver, Link),
        (Receiver, Ear),
        (Stream, AsyncioStream),
        (Stream, AcceptedStream),
        (Stream, MemoryStream),
    ],
)
def test_whoever_offers_an_interface_has_all_of_it(interface: type, kind: type) -> None:
    assert methods(interface)
    missing = {name for name in methods(interface) if not hasattr(kind, name)}
    # Attributes of instances.
    assert missing <= {"has_ended", "is_lost", "is_reading_paused", "is_writing_paused"}


def test_an_address_is_nowhere_until_it_is_told() -> None:
    assert set(dataclasses.asdict(Address()).values()) == {None, 0, ()}


def test_addresses_and_tls_do_not_change() -> None:
    tls = Tls(context=ssl.create_default_context())
    assert tls.server_hostname is tls.handshake_timeout is None
    for thing, name in ((Address(), "host"), (tls, "context")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, "other")


def test_a_call_from_another_loop_is_told_how_to_be_made() -> None:
    assert str(elsewhere("publish()")) == (
        "publish() was called outside of the event loop of its connections;"
        " another thread has it called with loop.call_soon_threadsafe()"
    )
