"""The two roles of a connection (RFC 6455 §1.3)."""

from enum import Enum


class Role(Enum):
    """Which side of the connection this endpoint is."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def masks(self) -> bool:
        """Whether this side masks what it sends (RFC 6455 §5.1)."""
        return self is Role.CLIENT
