"""Refusals that ask for credentials."""

from trunkline.auth import MissingCredentials, TokenFollows
from trunkline.auth.challenge import joined, unauthorized


def test_a_refusal_says_what_would_be_right() -> None:
    refused = unauthorized("token expired", "Bearer")
    assert str(refused) == "401: token expired"
    assert refused.headers == {"WWW-Authenticate": "Bearer"}


def test_several_refusals_become_one_with_all_challenges() -> None:
    one, two = MissingCredentials("no token", "Bearer"), MissingCredentials("no user", "Basic")
    both = joined([one, two])
    assert (both.status, both.reason) == (401, "no token; no user")
    assert both.headers == {"WWW-Authenticate": "Bearer, Basic"}
    assert type(both) is MissingCredentials


def test_a_token_may_follow_when_one_of_several_says_so() -> None:
    both = joined([MissingCredentials("a", "A"), TokenFollows("b", "B")])
    assert type(both) is TokenFollows
