"""What is known of somebody after authentication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has proved who they are.

    Args:
        user: the name that limits, logs and `App.disconnect()` know.
        claims: what the proof says beside it, as a JSON Web Token's payload does.
        expires_at: seconds since the epoch after which this no longer holds; `None`: it does.
    """

    user: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float | None = None
