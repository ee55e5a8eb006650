"""A certificate as Python's `ssl` takes it apart."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SECONDS_OF_A_DAY = 24 * 60 * 60
MAIN_NAMES = ("commonName", "organizationName", "organizationalUnitName")
HOSTS = frozenset({"DNS", "IP Address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Whose it is, who says so, for which hosts, and how long, in seconds of the epoch."""

    subject: str
    issuer: str
    names: Sequence[str]
    begins: float
    ends: float
    is_self_issued: bool = False
    """Whether nobody else vouches for it."""

    def days_left(self, now: float) -> int:
        """Count the whole days until it ends; negative after that."""
        return int((self.ends - now) // SECONDS_OF_A_DAY)


def read_certificate(parts: Mapping[str, Any]) -> Certificate | None:
    """Read what `getpeercert()` gives; `None` for nothing."""
    if not parts:
        return None
    return Certificate(
        subject=main_name(parts.get("subject", ())),
        issuer=main_name(parts.get("issuer", ())),
        names=[name for kind, name in parts.get("subjectAltName", ()) if kind in HOSTS],
        begins=ssl.cert_time_to_seconds(parts["notBefore"]),
        ends=ssl.cert_time_to_seconds(parts["notAfter"]),
        is_self_issued=parts.get("subject") == parts.get("issuer"),
    )


def main_name(relative_names: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Give the name that people know a subject or an issuer by."""
    fields = dict(pair for names in relative_names for pair in names)
    return next((fields[name] for name in MAIN_NAMES if name in fields), "without a name")


def day(seconds: float) -> str:
    """Give the date of a time of the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
