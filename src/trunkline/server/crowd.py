"""How many are there: connections of a process, of each address, and of each user."""

from __future__ import annotations

from http import HTTPStatus

from trunkline.errors import RequestRefused
from trunkline.limits import FULL_RETRY_AFTER, Limits
from trunkline.protocol.retry_hint import refused_for_now


class Headcount:
    """How many there are of each name; whoever has none takes no memory.

    Args:
        what: is counted, for the refusal: "connections from this address".
        limit: for each name; `None` for none, and then nothing is counted.
    """

    def __init__(self, what: str, limit: int | None) -> None:
        self._what = what
        self._limit = limit
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def of(self, name: str) -> int:
        """Give how many there are of a name."""
        return self._counts.get(name, 0)

    def enter(self, name: str) -> None:
        """Count one more.

        Raises:
            RequestRefused: with status 429, where that is one too many.
        """
        if self._limit is None:
            return
        count = self.of(name) + 1
        if count > self._limit:
            reason = f"{count:,} {self._what}, limit {self._limit:,}"
            raise RequestRefused(HTTPStatus.TOO_MANY_REQUESTS, reason)
        self._counts[name] = count

    def leave(self, name: str) -> None:
        """Count one less."""
        if self._limit is None:
            return
        count = self._counts.pop(name) - 1
        if count:
            self._counts[name] = count


class Crowd:
    """Everybody who is connected, as numbers.

    Whoever enters is counted for the process and an address, and for a user once it is known who
    that is. Whoever was counted leaves exactly once.

    Args:
        limits: with the `max_connections` of each kind.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.max_connections
        self._total = 0
        self.addresses = Headcount(
            "connections from this address", limits.max_connections_per_address
        )
        self.users = Headcount("connections by this user", limits.max_connections_per_user)

    def __len__(self) -> int:
        return self._total

    def enter(self, address: str) -> None:
        """Count a connection of nobody known yet.

        Args:
            address: what `bucket_of()` gives for it.

        Raises:
            RequestRefused: with status 503 if the process has all that it may have, 429 if the
                address has; nobody has entered then.
        """
        total = self._total + 1
        if self._limit is not None and total > self._limit:
            raise full(total, self._limit)
        self.addresses.enter(address)
        self._total = total

    def identify(self, user: str) -> None:
        """Count a connection that has entered for its user, too.

        Raises:
            RequestRefused: with status 429 if the user has all that he may have; it still has to
                leave, without a user.
        """
        self.users.enter(user)

    def leave(self, address: str, user: str | None = None) -> None:
        """Count a connection no more.

        Args:
            address: with which it entered.
            user: by which it was identified; `None` if it was not.
        """
        self._total -= 1
        self.addresses.leave(address)
        if user is not None:
            self.users.leave(user)


def full(count: int, limit: int) -> RequestRefused:
    """Make the refusal of whoever would be one too many for this process."""
    return refused_for_now(f"{count:,} connections, limit {limit:,}", FULL_RETRY_AFTER)
