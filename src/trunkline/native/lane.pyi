from typing import Any, TypeVar

from trunkline.native.sink import Sink
from trunkline.native.stream import Stream

Kind = TypeVar("Kind", bound=type)

def called_directly(kind: Kind) -> Kind:
    """Class decorator: let nothing be looked up where a subclass of `Lane` is called."""

class Lane(Sink):
    """What a connection with a native stream does faster than the reference."""

    def join(self, stream: Stream, endpoint: Any, inbox: Any, events: Any) -> None:
        """Join the parts of one connection; called once, when it opens."""
