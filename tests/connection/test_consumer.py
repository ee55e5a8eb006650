"""What a link needs of those to whom it delivers."""

import pytest

from trunkline.connection.consumer import Consumer
from trunkline.connection.events import Dispatcher
from trunkline.connection.inbox import Inbox

METHODS = {name for name in vars(Consumer) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Dispatcher, Inbox])
def test_every_consumer_takes_all_that_a_link_delivers(kind: type) -> None:
    assert vars(kind).keys() >= METHODS
    assert "message" in METHODS
