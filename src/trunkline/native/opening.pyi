from collections.abc import Callable, Container

from trunkline.limits import Limits
from trunkline.protocol.handshake import Agreement

class Greeting:
    """How a request is answered, and what the connection will want to know."""

    answer: bytes
    head: bytes
    rest: bytes
    agreement: Agreement
    pattern: bytes
    own_values: bytes

class Reception:
    """Answers requests that are like earlier ones."""

    def __init__(
        self,
        limits: Limits,
        date_of: Callable[[int], str],
        shared_names: Container[bytes],
        share: Callable[[bytes], bytes],
    ) -> None: ...
    def __len__(self) -> int: ...
    def greet(self, data: bytes) -> Greeting | None:
        """Say how the request that begins at `data` is answered; `None`: the reference has to."""
    def learn(
        self, head: bytes, agreement: Agreement, answer: tuple[bytes, bytes, bytes], pattern: bytes
    ) -> None:
        """Answer in future as this request was answered.

        Args:
            head: the request, with its empty line.
            agreement: what was agreed on.
            answer: what stands before Sec-WebSocket-Accept, between it and Date, and after that.
            pattern: of the answer.
        """
