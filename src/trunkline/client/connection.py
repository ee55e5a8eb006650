"""A connection that a client has opened."""

from trunkline.connection.connection import Connection


class ClientConnection(Connection):
    """The client's side of a connection; `request` and `response` are those of the handshake."""
