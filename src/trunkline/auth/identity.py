"""What is known of somebody after authentication."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.limits import LARGEST_USER


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has proved who they are.

    Args:
        user: the name that limits, logs and `App.disconnect()` know: compared as it stands, and
            printable, so that nobody writes lines of a log by their name.
        claims: what the proof says beside it, as a JSON Web Token's payload does.
        expires_at: seconds since the epoch from which on this no longer holds; `None`: it does.

    Raises:
        TypeError: `user` is not a string, or `expires_at` not a number.
        ValueError: `user` is empty, too long or not printable, or `expires_at` no point in time.
    """

    user: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float | None = None

    def __post_init__(self) -> None:
        check_user(self.user)
        if self.expires_at is not None and not math.isfinite(self.expires_at):
            raise ValueError(f"expires_at is {self.expires_at!r}, not seconds since the epoch")


def check_user(user: str) -> None:
    """Refuse a name that would be trouble in a log, a limit or a page."""
    if not isinstance(user, str):
        raise TypeError(f"user is of type {type(user).__name__}, not a string")
    if not user:
        raise ValueError("user is an empty string")
    if len(user) > LARGEST_USER:
        raise ValueError(f"user is {len(user):,} characters, limit {LARGEST_USER:,}")
    if not user.isprintable():
        raise ValueError("user has a character that cannot be printed")
