"""A PROXY header before the request, and before TLS where there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.protocol.ip_address import normalize
from trunkline.protocol.proxy_protocol import ProxyReader

if TYPE_CHECKING:
    from trunkline.app.visit import Visit


class ProxyPreface:
    """Reads who the client of a proxy is.

    Args:
        visit: gets the client's address.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._reader = ProxyReader()

    def feed(self, data: bytes) -> bytes | None:
        """Take what arrived; give what lies behind the header once that is whole.

        Raises:
            InvalidMessage: it cannot become one.
        """
        found = self._reader.feed(data)
        if found is None:
            return None
        header, rest = found
        if header.source is not None:
            self._visit.address = normalize(header.source[0])
        return rest
