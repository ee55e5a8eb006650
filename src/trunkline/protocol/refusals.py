"""The errors that carry an HTTP response: branches of the tree in `trunkline.errors`."""

from trunkline.errors import InvalidHandshake, ProxyError
from trunkline.protocol.http1 import Response


class InvalidStatus(InvalidHandshake):
    """The server answered with another status than 101; `response` is its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the server answered {response.status_code} {response.summary()}")
        self.response = response


class InvalidProxyStatus(ProxyError):
    """The HTTP proxy refused the tunnel; `response` is its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the proxy answered {response.status_code} {response.summary()}")
        self.response = response
