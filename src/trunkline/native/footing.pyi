from collections.abc import Callable
from typing import Any

class Footing:
    """What connections have in common that have one setting, and have agreed on the same.

    Args:
        setting: `connection.setting.Setting`.
        agreement: `protocol.handshake.Agreement`.
        new_mask_key: the source of a client's mask keys.
        new_deflate: makes the extension of one connection; `None` where there is none.
        new_meter: makes what stands before a connection whose limits have rates.
    """

    setting: Any
    agreement: Any

    def __init__(
        self,
        setting: Any,
        agreement: Any,
        new_mask_key: Callable[[], bytes],
        new_deflate: Callable[[], Any] | None,
        new_meter: Callable[[Any], Any] | None = None,
    ) -> None: ...
