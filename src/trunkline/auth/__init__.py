"""Who somebody is: asked before a connection is accepted."""

from trunkline.auth.authenticator import Authenticator, TokenAuthenticator
from trunkline.auth.basic import Basic
from trunkline.auth.challenge import MissingCredentials, TokenFollows
from trunkline.auth.choice import AnyOf, OrAnonymous, as_authenticator
from trunkline.auth.custom import Custom
from trunkline.auth.identity import Identity
from trunkline.auth.json_web_token import JWT
from trunkline.auth.key_set import KeySet
from trunkline.auth.ledger import Ledger, MemoryLedger
from trunkline.auth.source import Cookie, FirstMessage, Header, Query, Source, Subprotocol
from trunkline.auth.tickets import Tickets

__all__ = [
    "JWT",
    "AnyOf",
    "Authenticator",
    "Basic",
    "Cookie",
    "Custom",
    "FirstMessage",
    "Header",
    "Identity",
    "KeySet",
    "Ledger",
    "MemoryLedger",
    "MissingCredentials",
    "OrAnonymous",
    "Query",
    "Source",
    "Subprotocol",
    "Tickets",
    "TokenAuthenticator",
    "TokenFollows",
    "as_authenticator",
]
