import pytest

from trunkline.cli.doctor.secrets import Secrets, header_secrets, query_secrets, user_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ws://me:secret@a.example/b", "ws://***@a.example/b"),
        ("ws://me:se?c#ret@a.example/b", "ws://***@a.example/b"),
        ("path /b?token=abc&x=1&api_key=def", "path /b?token=***&x=1&api_key=***"),
        ("/b?x=1#access_token=abc", "/b?x=1#access_token=***"),
        ("/b?sid=abc;inside=1", "/b?sid=***;inside=1"),
        ("subprotocol eyJhbGciOi.eyJzdWI.sig-_x", "subprotocol ***"),
        ("ws://a.example/b?x=1", "ws://a.example/b?x=1"),
    ],
)
def test_a_secret_is_known_by_its_form(text: str, shown: str) -> None:
    assert Secrets().hide(text) == shown


def test_a_secret_that_was_learnt_is_hidden_wherever_it_stands() -> None:
    secrets = Secrets()
    secrets.learn(["hunter2", "hunter2-and-more", None, "", "abc"])
    assert secrets.hide("hunter2-and-more, hunter2, abc") == "***, ***, abc"


def test_headers_hold_secrets() -> None:
    headers = [
        ("Authorization", "Bearer abcdef"),
        ("Cookie", "a=first; b=second"),
        ("X-Api-Key", "key1"),
        ("Accept-Language", "de-DE"),
    ]
    secrets = Secrets()
    secrets.learn(header_secrets(headers))
    assert secrets.hide("abcdef first second key1 de-DE") == "*** *** *** *** de-DE"


def test_queries_hold_secrets() -> None:
    assert query_secrets("ticket=abcd&room=lobby&a") == {"abcd"}


def test_users_have_secrets() -> None:
    assert user_secrets(None, None) == set()
    assert user_secrets("me", "pass") == {"pass", "bWU6cGFzcw=="}
    assert user_secrets("me", None) == {None, "bWU6"}
