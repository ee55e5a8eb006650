"""The context of a server, before it has a certificate."""

import ssl

from trunkline.server.tls import make_context


def test_nothing_older_than_1_2_is_spoken() -> None:
    context = make_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.maximum_version is ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_every_cipher_has_forward_secrecy_and_is_authenticated() -> None:
    ciphers = make_context().get_ciphers()
    assert {cipher["protocol"] for cipher in ciphers} == {"TLSv1.2", "TLSv1.3"}
    assert all(cipher["aead"] for cipher in ciphers)
    older = [cipher["name"] for cipher in ciphers if cipher["protocol"] == "TLSv1.2"]
    assert all(name.startswith("ECDHE-") for name in older)


def test_a_peer_can_neither_compress_nor_negotiate_anew() -> None:
    options = make_context().options
    assert options & ssl.OP_NO_COMPRESSION
    assert options & ssl.OP_NO_RENEGOTIATION


def test_clients_need_no_certificate() -> None:
    assert make_context().verify_mode is ssl.CERT_NONE
