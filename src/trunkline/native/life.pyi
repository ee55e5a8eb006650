from typing import Any

from trunkline.native.footing import Footing
from trunkline.native.sink import Sink
from trunkline.native.stream import Stream

class Life(Sink):
    """A connection from its opening to its end, as far as it is ordinary."""

    latency: float
    inbox: Any
    events: Any

    def _join(self, footing: Footing, stream: Stream) -> None:
        """Take the parts that are there from the beginning."""
    def _begin(self, footing: Footing, events: Any, received: bytes) -> None:
        """Open: from now on messages are taken, and can be sent."""
