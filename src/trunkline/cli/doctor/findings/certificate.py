"""The certificate: whose, for whom, and until when."""

from __future__ import annotations

from trunkline.cli.doctor.certificate import Certificate, day
from trunkline.cli.doctor.step import Mark, Step
from trunkline.limits import DOCTOR_FEW_DAYS

NAME = "certificate"
SHOWN_NAMES = 6


def judge_certificate(certificate: Certificate, now: float) -> Step:
    """Say whose certificate it is, who issued it, for which names, and how long it lasts.

    Args:
        certificate: of the server.
        now: seconds of the epoch.
    """
    days = certificate.days_left(now)
    facts: dict[str, object] = {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "begins": day(certificate.begins),
        "ends": day(certificate.ends),
        "days_left": days,
    }
    is_short = days < DOCTOR_FEW_DAYS
    mark = Mark.WARNING if is_short else Mark.OK
    advice = "renew it, and see why that was not done by itself" if is_short else ""
    text = certificate_words(certificate)
    return Step(NAME, mark, text, advice, number=f"{days:,} days", facts=facts)


def certificate_words(certificate: Certificate) -> str:
    """Describe a certificate in a line."""
    names = names_words(certificate)
    issuer = "itself" if certificate.is_self_issued else certificate.issuer
    dates = f"from {day(certificate.begins)} to {day(certificate.ends)}"
    return f"{certificate.subject}, issued by {issuer}, for {names}, {dates}"


def names_words(certificate: Certificate) -> str:
    """List the names of a certificate, the first few of many."""
    shown = ", ".join(certificate.names[:SHOWN_NAMES])
    more = len(certificate.names) - SHOWN_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown or "no name at all"
