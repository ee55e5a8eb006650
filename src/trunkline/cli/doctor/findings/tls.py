"""TLS: what was agreed on, and why nothing was."""

from __future__ import annotations

import ssl

from trunkline.cli import failures
from trunkline.cli.doctor.certificate import Certificate, day
from trunkline.cli.doctor.facts import Security
from trunkline.cli.doctor.findings.beginning import HTTP, beginning_words, protocol_of
from trunkline.cli.doctor.findings.certificate import names_words
from trunkline.cli.doctor.step import Mark, Problem, Step, failed

NAME = "tls"
OLD_VERSIONS = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
INSECURE = "--insecure goes on without checking"
TRUST = f"--ca FILE trusts its issuer, {INSECURE}"
UNCHECKED_ADVICE = "without --insecure this says what is wrong with it"
LOG = "look into the server's log"
OTHER_PROTOCOL = Problem("the server does not speak TLS at this port", "try ws://")
CLIENT_CERTIFICATE = Problem(
    "the server wants a certificate of yours, and takes none or not this one",
    "give the right one with --cert and --key",
)
TOO_OLD = Problem(
    "the server speaks no version of TLS that is still allowed",
    "let it speak TLS 1.2 and 1.3; older versions can be broken",
)
NO_CIPHER = Problem(
    "the two sides have no cipher in common, or the server wants a certificate of yours",
    "look into its log; --cert and --key give a certificate",
)
UNKNOWN_NAME = Problem(
    "the server has no certificate for this name",
    "check the name in the address, and the server's list of hosts",
)
WEAK_KEY = Problem(
    "the key of the server is too weak to be trusted by anybody", "let it have a new certificate"
)
CUT = Problem(
    "the server hung up during the handshake",
    "a proxy without a server behind it does this, a firewall that reads names, or a server that "
    "wants a certificate of yours (--cert)",
)
SILENT = Problem(
    "the server takes the connection and does not answer to TLS",
    "it may wait for another protocol: try ws://; or a firewall swallows the answer",
)
# By OpenSSL's words for them
REASONS = {
    "WRONG_VERSION_NUMBER": OTHER_PROTOCOL,
    "UNEXPECTED_MESSAGE": OTHER_PROTOCOL,
    "PACKET_LENGTH_TOO_LONG": OTHER_PROTOCOL,
    "RECORD_LAYER_FAILURE": OTHER_PROTOCOL,
    "HTTP_REQUEST": OTHER_PROTOCOL,
    "UNSUPPORTED_PROTOCOL": TOO_OLD,
    "VERSION_TOO_LOW": TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": TOO_OLD,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": NO_CIPHER,
    "SSL/TLS_ALERT_HANDSHAKE_FAILURE": NO_CIPHER,
    "NO_CIPHERS_AVAILABLE": NO_CIPHER,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": CLIENT_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": CLIENT_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": CLIENT_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": CLIENT_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": CLIENT_CERTIFICATE,
    "TLSV1_UNRECOGNIZED_NAME": UNKNOWN_NAME,
    "EE_KEY_TOO_SMALL": WEAK_KEY,
    "DH_KEY_TOO_SMALL": WEAK_KEY,
}
# X509_V_ERR_EE_KEY_TOO_SMALL and its like
WEAK = frozenset({66, 67, 68})


# What was agreed on


def judge_security(security: Security) -> Step:
    """Say what was agreed on, or what keeps TLS from coming about."""
    if security.error is not None:
        shown = {"shown": security.look.version} if security.look else {}
        return failed(NAME, explain_security(security, security.error), security.seconds, shown)
    facts: dict[str, object] = {
        "version": security.version,
        "cipher": security.cipher,
        "alpn": security.alpn or "",
        "checked": security.is_checked,
    }
    alpn = f"ALPN {security.alpn}" if security.alpn else "no ALPN"
    text = f"{security.version}, {security.cipher}, {alpn}"
    if security.is_checked:
        return Step(NAME, Mark.OK, text, seconds=security.seconds, facts=facts)
    text = f"{text}; the certificate is not checked, so anybody may be at the other end"
    return Step(NAME, Mark.WARNING, text, UNCHECKED_ADVICE, security.seconds, facts=facts)


# Failures


def explain_security(security: Security, error: Exception) -> Problem:
    """Explain a failure by OpenSSL's words, and by what the server shows when it is looked at."""
    look = security.look
    if isinstance(error, ssl.SSLCertVerificationError):
        return explain_certificate(error, look.certificate if look else None)
    if look is not None and look.version in OLD_VERSIONS:
        return Problem(f"the server speaks {look.version}, which is too old", TOO_OLD.advice)
    problem = explain_tls(error)
    protocol = protocol_of(security.in_the_clear)
    if look is not None or protocol is None:
        return problem
    what = f"the server does not speak TLS at this port: {beginning_words(security.in_the_clear)}"
    advice = OTHER_PROTOCOL.advice if protocol == HTTP else "check the port"
    return Problem(what, advice)


def explain_tls(error: Exception) -> Problem:
    """Explain a failure by the error alone."""
    match error:
        case ssl.SSLCertVerificationError():
            return explain_certificate(error, None)
        case ssl.SSLEOFError():
            return CUT
        case ssl.SSLError():
            unknown = Problem(f"TLS fails: {failures.tls_words(error)}", LOG)
            return REASONS.get(failures.tls_reason(error) or "", unknown)
        case TimeoutError():
            return SILENT
        case ConnectionError():
            return CUT
        case _:
            return Problem(f"TLS fails: {error}", LOG)


def explain_certificate(
    error: ssl.SSLCertVerificationError, certificate: Certificate | None
) -> Problem:
    """Explain why a certificate is not trusted.

    Args:
        error: OpenSSL's judgement.
        certificate: what it is about, as far as it could be had.
    """
    match error.verify_code:
        case failures.EXPIRED:
            since = f" on {day(certificate.ends)}" if certificate else ""
            what = f"the certificate has expired{since}"
            return Problem(what, f"renew it, or set the clock of this machine; {INSECURE}")
        case failures.NOT_YET_VALID:
            until = f" before {day(certificate.begins)}" if certificate else ""
            what = f"the certificate is not valid{until or ' yet'}"
            return Problem(what, f"set the clocks of both machines; {INSECURE}")
        case failures.WRONG_NAME | failures.WRONG_ADDRESS:
            return explain_name(error, certificate)
        case code if code in WEAK:
            return WEAK_KEY
        case _:
            return explain_issuer(error, certificate)


def explain_name(error: ssl.SSLCertVerificationError, certificate: Certificate | None) -> Problem:
    """Explain a certificate of somebody else."""
    names = f"it is for {names_words(certificate)}" if certificate else error.verify_message
    what = f"the certificate is for another name: {names.rstrip('.')}"
    advice = f"use a name of its in the address, or give the server one for this name; {INSECURE}"
    return Problem(what, advice)


def explain_issuer(error: ssl.SSLCertVerificationError, certificate: Certificate | None) -> Problem:
    """Explain a certificate that nobody vouches for whom we trust."""
    issuer = f" ({certificate.issuer})" if certificate else ""
    match error.verify_code:
        case failures.SELF_SIGNED:
            return Problem("the certificate is self-signed: nobody else vouches for it", TRUST)
        case failures.SELF_SIGNED_ISSUER:
            what = f"the certificate was issued by an authority that is not trusted{issuer}"
            return Problem(what, f"a company's proxy that reads TLS has such a one; {TRUST}")
        case failures.UNKNOWN_ISSUER:
            what = f"the issuer of the certificate is not known{issuer}"
            return Problem(what, f"the server should send the whole chain; {TRUST}")
        case _:
            return Problem(f"the certificate is not trusted: {error.verify_message}", TRUST)
