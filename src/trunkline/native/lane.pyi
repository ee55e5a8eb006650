from typing import Any, TypeVar

from trunkline.native.sink import Sink
from trunkline.native.stream import Stream

Kind = TypeVar("Kind", bound=type)

def iterates_directly(kind: Kind) -> Kind:
    """Class decorator: give a subclass of `Lane` its slot; by itself it would look up the name."""

class Lane(Sink):
    """What a connection with a native stream does faster than the reference."""

    def join(self, link: Any, stream: Stream, endpoint: Any, consumer: Any, events: Any) -> None:
        """Join the parts of one connection; called once, when it opens."""
