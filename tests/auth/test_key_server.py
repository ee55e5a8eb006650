"""Fetching keys: from one address, within limits, and from nobody else."""

import ssl
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError, URLError

import pytest
import trustme

from tests.auth.issuer import Issuer, issuing
from trunkline.auth import key_server
from trunkline.auth.key_server import KeyServer

LARGEST = 100_000


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


def server_of(issuer: Issuer, largest: int = LARGEST) -> KeyServer:
    return KeyServer(issuer.url, 10.0, largest)


@pytest.mark.parametrize("size", [0, 1, LARGEST])
def test_a_document_is_fetched_up_to_the_limit(issuer: Issuer, size: int) -> None:
    issuer.body = b"x" * size
    assert server_of(issuer).fetch() == issuer.body


def test_a_document_above_the_limit_is_refused(issuer: Issuer) -> None:
    issuer.body = b"x" * (LARGEST + 1)
    with pytest.raises(ValueError, match="answer is over 100,000 bytes, limit 100,000"):
        server_of(issuer).fetch()


def test_a_document_that_drips_is_cut(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer.body = b"x"
    times = iter([0.0, 10.1])
    monkeypatch.setattr(key_server.time, "monotonic", lambda: next(times, 10.1))
    with pytest.raises(TimeoutError, match=r"answer took over 10\.0 s, limit 10\.0 s"):
        server_of(issuer).fetch()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(issuer: Issuer, status: int) -> None:
    with issuing() as other:
        issuer.status, issuer.headers = status, {"Location": other.url}
        with pytest.raises(HTTPError) as caught:
            server_of(issuer).fetch()
        caught.value.close()
        assert other.asked == 0


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_is_an_error(issuer: Issuer, status: int) -> None:
    issuer.status = status
    with pytest.raises(HTTPError, match=str(status)) as caught:
        server_of(issuer).fetch()
    caught.value.close()


def test_a_server_that_is_away_is_an_error() -> None:
    with issuing() as issuer:
        pass
    with pytest.raises((URLError, HTTPException)):
        server_of(issuer).fetch()


def test_the_proxy_of_the_environment_does_not_see_this_machine(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    issuer.body = b"x"
    assert server_of(issuer).fetch() == b"x"


def test_https_trusts_whom_the_context_trusts() -> None:
    authority = trustme.CA()
    accepting, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(accepting)
    authority.configure_trust(trusting)
    with issuing(accepting) as issuer:
        issuer.body = b"x"
        assert KeyServer(issuer.url, 10.0, LARGEST, trusting).fetch() == b"x"


@pytest.mark.parametrize(
    "url", ["https://issuer.example/keys", "http://[::1]:1/", "http://localhost"]
)
def test_an_address_is_https_or_of_this_machine(url: str) -> None:
    assert KeyServer(url, 1.0, 1).url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://issuer.example/keys", "begins with https://, or http://127.0.0.1"),
        ("http://127.0.0.1.evil.example/", "begins with https://, or http://127.0.0.1"),
        ("file:///etc/passwd", "begins with https://"),
        ("ftp://127.0.0.1/", "begins with https://"),
        ("https:///keys", "begins with https://"),
        ("keys", "begins with https://"),
        ("https://user:secret@issuer.example/keys", "has no user and no fragment"),
        ("https://issuer.example/keys#1", "has no user and no fragment"),
    ],
)
def test_another_address_is_refused_at_once(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        KeyServer(url, 1.0, 1)
    assert "secret" not in str(caught.value)
