import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

class Conversation(Coroutine[Any, None, None]):
    """Runs the handler, and then the coroutine that closes the connection."""

    def __init__(
        self,
        handler: Callable[[Any], Awaitable[None]],
        connection: Any,
        logger: logging.Logger,
        conclude: Callable[[Any, logging.Logger, BaseException | None], Coroutine[Any, None, None]],
    ) -> None: ...
    def __await__(self) -> Any: ...
    def send(self, value: None) -> Any: ...
    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any: ...
    def close(self) -> None: ...
