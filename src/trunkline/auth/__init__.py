"""Who somebody is: asked before a connection is accepted."""

from trunkline.auth.authenticator import Authenticator, TokenAuthenticator
from trunkline.auth.challenge import MissingCredentials, TokenFollows
from trunkline.auth.identity import Identity
from trunkline.auth.source import Cookie, FirstMessage, Header, Query, Source, Subprotocol

__all__ = [
    "Authenticator",
    "Cookie",
    "FirstMessage",
    "Header",
    "Identity",
    "MissingCredentials",
    "Query",
    "Source",
    "Subprotocol",
    "TokenAuthenticator",
    "TokenFollows",
]
