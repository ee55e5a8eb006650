import ssl
from dataclasses import replace

import pytest

from trunkline.cli.doctor.certificate import SECONDS_OF_A_DAY, Certificate
from trunkline.cli.doctor.facts import Look, Security
from trunkline.cli.doctor.findings.tls import explain_tls, judge_security
from trunkline.cli.doctor.step import Mark

AGREED = Security(seconds=0.001, version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")
CERTIFICATE = Certificate(
    subject="a.example",
    issuer="Some Authority",
    names=["a.example"],
    begins=SECONDS_OF_A_DAY,
    ends=2 * SECONDS_OF_A_DAY,
)
SHOWN = Look(version="TLSv1.3", certificate=CERTIFICATE)


def untrusted(code: int, message: str = "odd.") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def tls_error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL] something (_ssl.c:1)")
    error.reason = reason  # type: ignore[assignment]
    return error


def failure(error: Exception, look: Look | None = None, in_the_clear: bytes = b"") -> Security:
    return Security(seconds=0.001, error=error, look=look, in_the_clear=in_the_clear)


def test_what_was_agreed_on_is_told() -> None:
    step = judge_security(AGREED)
    assert step.mark is Mark.OK
    assert step.text == "TLSv1.3, TLS_AES_256_GCM_SHA384, no ALPN"
    assert judge_security(replace(AGREED, alpn="http/1.1")).text.endswith("ALPN http/1.1")


def test_a_certificate_that_is_not_checked_is_a_warning() -> None:
    step = judge_security(replace(AGREED, is_checked=False))
    assert step.mark is Mark.WARNING
    assert "the certificate is not checked" in step.text


@pytest.mark.parametrize(
    ("error", "look", "what"),
    [
        (untrusted(10), SHOWN, "the certificate has expired on 1970-01-03"),
        (untrusted(10), None, "the certificate has expired"),
        (untrusted(9), SHOWN, "the certificate is not valid before 1970-01-02"),
        (untrusted(9), None, "the certificate is not valid yet"),
        (untrusted(62), SHOWN, "the certificate is for another name: it is for a.example"),
        (untrusted(62, "mismatch."), None, "the certificate is for another name: mismatch"),
        (untrusted(64), Look(version="TLSv1.3"), "the certificate is for another name: odd"),
        (untrusted(18), SHOWN, "the certificate is self-signed: nobody else vouches for it"),
        (
            untrusted(19),
            SHOWN,
            "the certificate was issued by an authority that is not trusted (Some Authority)",
        ),
        (untrusted(20), None, "the issuer of the certificate is not known"),
        (untrusted(66), None, "the key of the server is too weak to be trusted by anybody"),
        (untrusted(23), None, "the certificate is not trusted: odd."),
    ],
)
def test_a_certificate_that_is_not_trusted_is_explained(
    error: ssl.SSLError, look: Look | None, what: str
) -> None:
    step = judge_security(failure(error, look))
    assert (step.mark, step.text) == (Mark.FAILED, what)
    assert step.advice
    assert step.facts == ({"shown": "TLSv1.3"} if look else {})


@pytest.mark.parametrize(
    ("beginning", "what", "advice"),
    [
        (b"HTTP/1.1 400", "what came back is HTTP", "try ws://"),
        (b"SSH-2.0", "what came back is SSH", "check the port"),
        (b"", "the server does not speak TLS at this port", "try ws://"),
    ],
)
def test_another_protocol_is_named(beginning: bytes, what: str, advice: str) -> None:
    step = judge_security(failure(tls_error("WRONG_VERSION_NUMBER"), None, beginning))
    assert what in step.text
    assert step.advice == advice


def test_an_old_version_is_named() -> None:
    error = tls_error("TLSV1_ALERT_PROTOCOL_VERSION")
    step = judge_security(failure(error, Look(version="TLSv1.1")))
    assert step.text == "the server speaks TLSv1.1, which is too old"


def test_a_failure_with_a_server_that_speaks_tls_is_explained_by_the_error() -> None:
    step = judge_security(failure(tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), SHOWN))
    assert "wants a certificate of yours" in step.text


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (untrusted(18), "the certificate is self-signed"),
        (ssl.SSLEOFError(8, "EOF"), "the server hung up during the handshake"),
        (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), "the two sides have no cipher in common"),
        (tls_error("VERY_ODD_THING"), "TLS fails: very odd thing"),
        (tls_error(None), "TLS fails: [SSL] something (_ssl.c:1)"),
        (TimeoutError(), "the server takes the connection and does not answer to TLS"),
        (ConnectionResetError(), "the server hung up during the handshake"),
        (ValueError("odd"), "TLS fails: odd"),
    ],
)
def test_an_error_is_explained_by_itself(error: Exception, what: str) -> None:
    assert explain_tls(error).what.startswith(what)
