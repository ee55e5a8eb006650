"""Whatever finds out who somebody is has the methods that are promised."""

import pytest

from trunkline.auth import (
    JWT,
    AnyOf,
    Authenticator,
    Basic,
    Custom,
    OrAnonymous,
    Tickets,
    TokenAuthenticator,
)

SECRET = "s" * 32


def names_of(protocol: type) -> set[str]:
    return {name for name in dir(protocol) if not name.startswith("_")}


@pytest.mark.parametrize(
    "authenticator",
    [JWT(SECRET), Tickets(), Basic({"ada": "secret"}), Custom(lambda request: "ada")],
)
def test_an_authenticator_has_its_methods(authenticator: object) -> None:
    assert names_of(Authenticator) == {"authenticate", "conceal", "is_credential"}
    assert names_of(Authenticator) <= set(dir(authenticator))


@pytest.mark.parametrize(
    "authenticator", [JWT(SECRET), Tickets(), AnyOf(Tickets()), OrAnonymous(Tickets())]
)
def test_who_judges_tokens_has_its_methods(authenticator: object) -> None:
    assert names_of(Authenticator) < names_of(TokenAuthenticator) <= set(dir(authenticator))
