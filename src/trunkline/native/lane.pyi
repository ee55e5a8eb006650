from typing import Any

from trunkline.native.sink import Sink
from trunkline.native.stream import Stream

class Lane(Sink):
    """What a connection with a native stream does faster than the reference."""

    def join(self, link: Any, stream: Stream, endpoint: Any, consumer: Any, events: Any) -> None:
        """Join the parts of one connection; called once, when it opens."""
