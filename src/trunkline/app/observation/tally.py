"""What has happened to an application, counted: the source of metrics and status page."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from trunkline.app.observation.histogram import Histogram
from trunkline.app.observation.observer import Observer
from trunkline.close_codes import MEANINGS
from trunkline.errors import RequestRefused
from trunkline.limits import HANDSHAKE_BUCKETS, LAG_BUCKETS, LIFE_BUCKETS, ROUND_TRIP_BUCKETS
from trunkline.protocol.http1 import Response

if TYPE_CHECKING:
    from trunkline.app.connection import AppConnection
    from trunkline.app.visit import Visit


class Tally(Observer):
    """Counts once for each request, connection and pong, never for a message.

    Nothing is counted by a word that a stranger chooses: strangers would fill the memory with it.
    """

    def __init__(self) -> None:
        self.arrivals = 0
        """Streams that came, whatever became of them."""
        self.handshakes: Counter[tuple[str, str]] = Counter()
        """Requests by outcome, "opened", "answered" or "refused", and by status or step."""
        self.tokens_refused = 0
        """Tokens in messages that were refused."""
        self.closes: Counter[str] = Counter()
        """WebSockets that have ended, by close code."""
        self.handshake_seconds = Histogram(HANDSHAKE_BUCKETS)
        self.life_seconds = Histogram(LIFE_BUCKETS)
        self.lag_seconds = Histogram(LAG_BUCKETS)
        self.round_trips = defaultdict[str, Histogram](lambda: Histogram(ROUND_TRIP_BUCKETS))
        """Of pings of this side, by the path of the route."""

    def arrived(self, visit: Visit) -> None:
        """Count a stream."""
        self.arrivals += 1

    def opened(self, visit: Visit, connection: AppConnection) -> None:
        """Count a WebSocket, and how long its handshake took."""
        self.handshakes["opened", ""] += 1
        self.handshake_seconds.add(visit.seconds())

    def answered(self, visit: Visit, response: Response) -> None:
        """Count an answer over HTTP."""
        self.handshakes["answered", str(response.status_code)] += 1

    def refused(self, visit: Visit, refused: RequestRefused) -> None:
        """Count a refusal by its step; that of a token in a message is another thing."""
        if visit.connection is None:
            self.handshakes["refused", visit.step.value] += 1
        else:
            self.tokens_refused += 1

    def closed(self, visit: Visit, connection: AppConnection) -> None:
        """Count the end of a WebSocket, and how long it was there."""
        self.closes[name_code(connection.close_code)] += 1
        self.life_seconds.add(visit.seconds())

    def describe(self) -> dict[str, Any]:
        """Give all counts in numbers and words that JSON knows."""
        return {
            "arrivals": self.arrivals,
            "handshakes": [[*kind, count] for kind, count in self.handshakes.items()],
            "tokens_refused": self.tokens_refused,
            "closes": dict(self.closes),
            "handshake_seconds": self.handshake_seconds.describe(),
            "life_seconds": self.life_seconds.describe(),
            "lag_seconds": self.lag_seconds.describe(),
        }


def name_code(code: int | None) -> str:
    """Give a close code as it stands in metrics; those that a peer makes up stand together."""
    if code is None or code in MEANINGS:
        return str(code)
    return f"{code // 1000}xxx"
