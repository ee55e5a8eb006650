"""A connection of an application: knows who it is, and where it came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trunkline.auth.identity import Identity
from trunkline.server.connection import ServerConnection

if TYPE_CHECKING:
    from trunkline.app.visit import Visit


class AppConnection(ServerConnection):
    """A connection to a route of an `App`."""

    visit: Visit
    """What the application knows of it; not for users."""

    @property
    def user(self) -> str | None:
        """The name of who is there; `None` where nobody had to say."""
        identity = self.identity
        return None if identity is None else identity.user

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the proof says beside the name; empty where there is none."""
        identity = self.identity
        return {} if identity is None else identity.claims

    @property
    def identity(self) -> Identity | None:
        """Name, claims and their end; `None` where nobody had to say."""
        return self.visit.identity

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters in the path."""
        return self.visit.params

    @property
    def client_address(self) -> str:
        """The address of the client, in front of trusted proxies."""
        return self.visit.address
