import pytest

from trunkline.cli.doctor.findings.beginning import beginning_words, protocol_of


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"HTTP/1.1 200 OK", "HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00", "HTTP/2"),
        (b"SSH-2.0-OpenSSH", "SSH"),
        (b"220 mail.example ESMTP", "mail or FTP"),
        (b"-ERR unknown command", "Redis or mail"),
        (b"\n<!doctype html>", "HTML without an HTTP head"),
    ],
)
def test_a_protocol_is_known_by_its_first_bytes(beginning: bytes, name: str) -> None:
    assert protocol_of(beginning) == name
    assert beginning_words(beginning) == f"what came back is {name}"


def test_an_unknown_protocol_is_shown() -> None:
    assert protocol_of(b"hello") is None
    assert beginning_words(b"hello") == "what came back begins with b'hello'"


def test_nothing_is_said_to_be_nothing() -> None:
    assert beginning_words(b"") == "nothing came back"
