import socket
from collections.abc import Iterator

import pytest

from trunkline.app.running.workers.channel import Channel
from trunkline.app.running.workers.message import Lines, Say, encode

Ends = tuple[Channel, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_messages_go_both_ways(ends: Ends) -> None:
    channel, theirs = ends
    channel.tell(Say.DRAIN)
    assert Lines().feed(theirs.recv(1000)) == [{"say": Say.DRAIN}]
    assert channel.receive() == []
    theirs.sendall(encode(Say.READY))
    assert channel.receive() == [{"say": Say.READY}]
    assert not channel.is_over


def test_what_does_not_fit_is_sent_later(ends: Ends) -> None:
    channel, theirs = ends
    text = "x" * 1_000_000
    channel.tell(Say.DISCONNECT, user=text)
    assert channel.has_unsent
    lines, found = Lines(), []
    while not found:
        found += lines.feed(theirs.recv(65536))
        channel.flush()
    assert found == [{"say": Say.DISCONNECT, "user": text}]
    assert not channel.has_unsent


def test_the_end_is_noticed_after_the_last_words(ends: Ends) -> None:
    channel, theirs = ends
    theirs.sendall(encode(Say.READY))
    theirs.close()
    assert channel.receive() == [{"say": Say.READY}]
    assert channel.is_over
    channel.tell(Say.DRAIN)
    assert not channel.has_unsent


def test_an_end_with_an_error_is_an_end(ends: Ends) -> None:
    channel, theirs = ends
    channel.tell(Say.DRAIN)
    theirs.close()  # with something unread, which resets the connection
    assert channel.receive() == []
    assert channel.is_over


def test_it_can_be_waited_for(ends: Ends) -> None:
    channel, _ = ends
    assert channel.fileno() >= 0
