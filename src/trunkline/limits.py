"""Every tunable number, with its default and its reason."""

import math
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypedDict

KIB = 1024
MIB = 1024 * KIB


def check_numbers(settings: "Limits | Rate | Backoff | Drain") -> None:
    """Refuse what is not a number of the right kind, or a negative one."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.type in (Excess, Rate | None):
            check_kind(field.name, value, field.type)
        else:
            check_number(field.name, value, field.type)


def check_kind(name: str, value: Any, kind: Any) -> None:
    """Refuse a value that is not of `kind`, its annotation."""
    if not isinstance(value, kind):
        what = "an Excess" if kind is Excess else "a Rate or None"
        raise TypeError(f"{name} is {what}, not {value!r}")


def check_setting(name: str, value: Any, kind: type) -> None:
    """Refuse what is no object of `kind`, such as a dict in place of `Limits`."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is a trunkline.{kind.__name__}, not {value!r}")


def check_number(name: str, value: Any, kind: Any) -> None:
    """Refuse a value that is not of `kind`, its annotation, or is negative."""
    # As everywhere in Python, an int will do for a float.
    if isinstance(value, bool) or not isinstance(value, kind | int):
        what = "a number" if isinstance(0.0, kind) else "a whole number"
        raise TypeError(f"{name} is {what}, not {value!r}")
    if value is not None and not value >= 0:
        raise ValueError(f"{name} is {value!r}, it must not be negative")


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen: a bucket of tokens that fills up again.

    Raises:
        TypeError: one of the three is not a number.
        ValueError: one of them is not above zero, so that nothing could ever happen.
    """

    count: int
    """How many may happen within `per`, in the long run."""

    per: float = 1.0
    """Seconds."""

    burst: int | None = None
    """How many may happen at once, after a rest; `None` for `count`."""

    def __post_init__(self) -> None:
        check_numbers(self)
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(
                    f"{field.name} of a rate is {value!r}, it must be above 0 and finite"
                )

    @property
    def interval(self) -> float:
        """Seconds in which one token comes."""
        return self.per / self.count

    @property
    def most(self) -> int:
        """Tokens in a full bucket."""
        return self.count if self.burst is None else self.burst

    @property
    def tolerance(self) -> float:
        """Seconds in which an empty bucket fills up."""
        return self.most * self.interval

    def of(self, what: str) -> str:
        """Say it in words, for a reason: "5,000 messages per second, 10,000 at once"."""
        time = "second" if self.per == 1 else f"{self.per:g} s"
        return f"{self.count:,} {what} per {time}, {self.most:,} at once"


class Excess(StrEnum):
    """What becomes of what a peer sends above a rate."""

    PAUSE = "pause"
    """It is taken, and then nothing is read until it is paid for: TCP slows the peer down."""

    DROP = "drop"
    """The message, ping or pong is dropped, and counted. The peer waits for what cannot be
    dropped: bytes, and empty fragments.
    """

    CLOSE = "close"
    """The connection is closed with 1008, and the reason names the rate."""


LONGEST_BUSY_POLL = 1.0
"""Seconds that `busy_poll` may be: it saves the microseconds that a process takes to wake. More was
meant in another unit, and a core would be busy without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may use.

    Fields that share their name with a parameter of `connect()` or `serve()` are its default.
    Sizes are bytes, times are seconds; `None` switches a limit off where the type allows it.
    """

    max_size: int | None = 1 * MIB
    """Bytes of one received message, counted after inflating."""

    max_fragments: int = 4096
    """Frames of one received message: each costs time even when it is empty."""

    open_timeout: float | None = 10.0
    """Seconds for the whole opening handshake, TCP and TLS included on the client."""

    close_timeout: float | None = 10.0
    """Seconds for the peer's close frame, and again for the end of the stream."""

    ping_interval: float | None = 20.0
    """Seconds of silence after which a ping is sent: below the 30 s at which proxies give up."""

    ping_timeout: float | None = 20.0
    """Seconds a peer may stay silent after that ping."""

    max_queue: int = 16
    """Unread messages at which reading pauses; it resumes at a quarter of them."""

    max_queue_bytes: int = 1 * MIB
    """Unread bytes, or characters of text, at which reading pauses: large messages count, too."""

    write_limit: int = 64 * KIB
    """Unsent bytes above which `await send()` waits; it goes on at a quarter of them."""

    max_unsent: int | None = 16 * MIB
    """Unsent bytes above which `send_soon()`, which does not wait, gives the connection up."""

    max_head: int = 16 * KIB
    """Bytes of the head of an opening request or response."""

    max_target: int = 8 * KIB
    """Bytes of the request line, as RFC 9112 §3 recommends at least."""

    max_headers: int = 64
    """Header lines of an opening request or response."""

    max_body: int = 64 * KIB
    """Bytes kept of the body of a refusal, for the error that reports it."""

    max_redirects: int = 10
    """Redirects that a client follows."""

    busy_poll: float = 0.0
    """Seconds that the loop looks for the next message before it sleeps, on the native engine: with
    50 µs (`50e-6`) an answer need not wait for the process to wake. The price is a core that is
    busy for as long after each message; an idle server sleeps. It holds for the whole loop, and is
    a second at most.
    """

    min_compress: int = 64
    """Bytes below which a message is sent plain: deflate does not pay for them."""

    # What strangers may do, all of them together: `App` sees to it, `serve()` does not look at it.

    max_connections: int | None = 10_000
    """Connections of one process of an `App`: half of the descriptors that a process often has.
    `serve()` ignores it.
    """

    max_connections_per_address: int | None = 256
    """Connections of an `App` from one address, or one /64 of IPv6: an office behind one router.
    `serve()` ignores it.
    """

    max_connections_per_user: int | None = 64
    """Connections of an `App` by one user: a few devices with many tabs each. `serve()` ignores it.
    """

    handshake_rate: Rate | None = Rate(50, per=1.0, burst=200)
    """Opening handshakes with an `App` from one address, or one /64 of IPv6: an office may come
    back at once, a loop without a pause is slowed down. `serve()` ignores it.
    """

    message_rate: Rate | None = None
    """Messages that the peer may send."""

    byte_rate: Rate | None = None
    """Bytes of frames that the peer may send."""

    control_rate: Rate | None = None
    """Pings, pongs and empty fragments that the peer may send: they cost time, and bring nothing.
    """

    on_excess: Excess = Excess.PAUSE
    """What becomes of more than these rates allow."""

    idle_timeout: float | None = None
    """Seconds without a message either way after which the connection is closed with 1001; where
    the last one was sent by this side, up to a quarter more. Pings are no messages."""

    max_stall: float | None = None
    """Seconds in which nothing leaves of what is unsent, after which the connection is given up.
    The keep-alive sees to it, `ping_interval` late at most. Without it only a peer is given up for
    which more than `write_limit` waits, or a message of a topic, after `ping_interval` and
    `ping_timeout`."""

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.busy_poll > LONGEST_BUSY_POLL:
            raise ValueError(
                f"busy_poll is {self.busy_poll!r} seconds, limit {LONGEST_BUSY_POLL}:"
                " 50 microseconds are 50e-6"
            )
        if self.max_stall is not None and not self.ping_interval:
            raise ValueError("max_stall needs ping_interval: the keep-alive sees to it")

    @property
    def are_metered(self) -> bool:
        """Whether it matters when each message comes."""
        meters = (self.message_rate, self.byte_rate, self.control_rate, self.idle_timeout)
        return any(meter is not None for meter in meters)


class LimitOptions(TypedDict, total=False):
    """The limits that `connect()` and `serve()` take by name."""

    max_size: int | None
    max_queue: int
    write_limit: int
    open_timeout: float | None
    close_timeout: float | None
    ping_interval: float | None
    ping_timeout: float | None
    busy_poll: float


DEFAULT_LIMITS = Limits()

APP_LIMITS = Limits(
    message_rate=Rate(5_000, burst=10_000),
    byte_rate=Rate(16 * MIB, burst=32 * MIB),
    control_rate=Rate(50, burst=200),
)
"""What an application lets strangers use: far more than a page needs, far less than a flood is."""


def with_options(limits: Limits, options: LimitOptions) -> Limits:
    """Give `limits` with the named ones replaced.

    Raises:
        TypeError: a name is not one of `LimitOptions`, or a value is not a number.
        ValueError: a value is negative, or `busy_poll` above a second.
    """
    unknown = sorted(set(options) - set(LimitOptions.__annotations__))
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    return replace(limits, **options)


MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """When a client comes back: exponential backoff with full jitter, capped."""

    first: float = 1.0
    """Seconds: the ceiling of the first delay; the delay itself is drawn between 0 and it."""

    factor: float = 2.0
    """By what the ceiling grows with each attempt in a row that failed."""

    cap: float = 60.0
    """Seconds: the highest ceiling, so that a server that is back is found within a minute."""

    stable_after: float = 10.0
    """Seconds a connection must have lived for the next attempt to be immediate."""

    max_retry_after: float = 3600.0
    """Seconds: the longest `Retry-After` that is obeyed; a longer one counts as this."""

    def __post_init__(self) -> None:
        check_numbers(self)

    def ceiling(self, attempt: int) -> float:
        """Give the longest delay, in seconds, before attempt number `attempt` (from 1)."""
        ceiling = float(min(self.cap, self.first))
        # So many doublings are beyond every cap.
        for _ in range(min(attempt - 1, MOST_DOUBLINGS)):
            ceiling = min(self.cap, ceiling * self.factor)
        return ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How the connections of an application are asked to leave, all in seconds."""

    readiness_delay: float = 0.0
    """From the moment when `/ready` says no until nobody is accepted: as long as a load balancer
    takes to look."""

    window: float = 5.0
    """Over which connections are closed, evenly: all at once would come back at once."""

    come_back_within: float = 10.0
    """Up to which each client is told, at random, to wait before it comes back."""

    patience: float = 10.0
    """For goodbyes and handlers, after the last one was asked; then they are cut off."""

    def __post_init__(self) -> None:
        check_numbers(self)


DEFAULT_DRAIN = Drain()

DRAIN_BATCH_SECONDS = 0.1
"""Between two batches of a drain: short enough that no batch is a storm."""

CUT_GRACE = 1.0
"""Seconds for handlers that were cancelled: to clean up takes no time, to ignore it takes for ever.
"""

END_GRACE = 3.0
"""Seconds beyond its drain after which a process ends whatever it is doing: it has asked, waited,
cut and cancelled by then."""

KILL_GRACE = 2.0
"""Seconds beyond that after which a supervisor kills a worker that has not ended by itself."""

SHUTDOWN_RETRY_AFTER = 5
"""Seconds after which a client may ask again that has come while a server shuts down."""

SLOW_RETRY_AFTER = 5
"""Seconds after which a client may ask again whose request this side could not judge in time."""

RELOAD_DRAIN = Drain(window=0.0, come_back_within=0.0, patience=1.0)
"""For development: whoever changes a file wants to see what comes of it."""

RELOAD_INTERVAL = 0.5
"""Seconds between two looks at the files of an application: less than to change the window."""

RESTART = Backoff(first=0.5, cap=30.0, stable_after=10.0)
"""Pauses before a worker is started again: none after the first death, so that what waits in the
kernel is taken up, then longer ones, so that a process that always dies does not take the machine.
"""

START_ATTEMPTS = 3
"""Times in a row that a worker may die before it is ready: more would not help."""

SUPERVISOR_TURN = 1.0
"""Seconds that a supervisor sleeps at most: a signal or a message wakes it at once."""

LARGEST_CONTROL_LINE = 16 * MIB
"""Bytes of one message between supervisor and worker: a snapshot of ten thousand connections has
one or two."""

LEDGER_TIMEOUT = 3.0
"""Seconds for the supervisor to say whether a ticket was used: it needs less than one thousandth of
that, and a client who waits for ten has gone."""

SNAPSHOT_TIMEOUT = 1.0
"""Seconds for the snapshots of all workers; one that is late is left out."""

TICK = 0.05
"""Seconds between two turns of the timer wheel: a deadline is late by one tick at most."""

LONGEST_DELAY = 100 * 365.25 * 86_400.0
"""Seconds that a timer waits at most: a century, as in uvloop. Who says infinity means never, and
no tick has that number."""

BLOCKED_LOOP = 1.0
"""Seconds that a timer may be late before the event loop is said to have been blocked."""

FAILURE_GRACE = 1.0
"""Seconds a handler has to answer what came before a protocol error, until the close is sent."""

LINGER = 2.0
"""Seconds for what follows a refusal: a server reads and forgets, so that a reset does not overtake
its answer; a client waits for the words behind the status. A closed TLS stream does so, too."""

SLOWEST_DOWNLOAD = 16 * KIB
"""Bytes a second at which an answer over HTTP has to be read, beyond `LINGER`: a quarter of what a
phone has at the edge of a cell, so that a page of a megabyte has a minute."""

LOW_WATER_DIVISOR = 4
"""Reading and writing, paused at high water, resume at a quarter: far enough for a wake-up."""

LARGEST_WRITE_LIMIT = (1 << 31) - 1
"""Bytes that a `write_limit` on asyncio's transports may be, because uvloop's take no larger
number: anything above counts as this."""

LARGEST_KEPT = 32 * MIB
"""Bytes of the largest message whose memory `keep_memory()` keeps: glibc takes no larger number."""

KEPT_MEMORY = 256 * MIB
"""Bytes of free memory that a process keeps after `keep_memory()`: some hundred large messages."""

LISTEN_BACKLOG = 1024
"""Connections that the kernel holds until they are accepted: a page of clients coming back."""

NOT_SENT = 256 * KIB
"""Bytes that the kernel takes for one connection before it can send them, where it lets itself be
told. By itself it takes megabytes, and a thousand clients that read slowly leave it no memory for
others: their packets are lost. Half as many bytes made echoes of a megabyte slower."""

NOT_SENT_TO_MANY = 16 * KIB
"""The same for a subscriber of a topic: the topic keeps what waits once for all, the kernel for
each, and what it takes by itself for ten thousand who read nothing leaves it short of memory."""

ACCEPT_RETRY = 1.0
"""Seconds until accepting is tried again, after the process had no descriptor left."""

HAPPY_EYEBALLS_DELAY = 0.25
"""Seconds before the next address of a host is tried beside the first (RFC 8305 §5)."""

SHARED_WINDOW_BITS = 12
"""Window of what is compressed once for many: what `Deflate` asks for, so that nearly every
connection takes the same bytes; only messages above 4 KiB would gain by a larger one."""

TICK_BUFFER = 64 * KIB
"""Bytes that a topic gathers before it sends without waiting for the end of the round."""

IDLE_LOOKS = 4
"""Looks at an idle connection in its `idle_timeout`: what it is sent is only seen by looking."""

TOKEN_ROUNDING = 1 / 64
"""Tokens by which a rate may be wrong: a clock that has run for weeks is no finer at 16 MiB/s."""

MAX_BACKLOG = 1 * MIB
"""Bytes that wait for a slow subscriber of a topic; its stream holds up to `write_limit` more."""

EVICTIONS_A_ROUND = 25
"""Connections that a topic gives up in one round of the loop, because too much waits for them: it
takes a millisecond. Thousands whose backlogs are full at the same time would take seconds."""

MOST_SHARED_HEADS = 256
"""Kinds of opening handshakes whose common lines are kept once for many connections."""

LARGEST_SHARED_HEADS = 2 * KIB
"""Bytes of such lines: larger ones are kept by each connection."""

MOST_RECENT_HEADS = 16
"""Connections whose request and response are kept as objects, in case they are asked for again."""

MOST_TERMS = 256
"""Kinds of opening requests that a server answers without judging them again: by Host, Origin,
subprotocols and extensions."""

LARGEST_TERMS = 1 * KIB
"""Bytes of these four values: who sends more is judged each time."""

NOTICE_INTERVAL = 1.0
"""Seconds between two notices to a peer that its messages are dropped: each costs what one does."""

CLOCK_CHECK = 60.0
"""Seconds until an expiry looks at the clock again: it is the wall's, which may be set."""

LARGEST_COMPLAINT = 200
"""Characters that say what is wrong with a typed message: one line, whatever the peer has sent."""

LARGEST_FILE = 16 * MIB
"""Bytes of the largest static file: it is read whole; larger ones are a web server's business."""

WAITING_OVERHEAD = 128
"""Bytes that a waiting message counts beside its payload: about what it costs to keep it."""

LARGEST_USER = 256
"""Characters of a user's name: it is kept for each connection, and stands in logs."""

LARGEST_TOKEN = 8 * KIB
"""Characters of a JSON Web Token: more would not fit into a request line, and nearly none has."""

TOKEN_LEEWAY = 0.0
"""Seconds by which the clock of an issuer may be wrong; a token is good for so much longer, too."""

LARGEST_KEY_ID = 256
"""Characters of the id of a key: those of the large issuers have 40 to 64."""

LARGEST_KEY_SET = 256 * KIB
"""Bytes of a JSON Web Key Set: those of the large issuers have 2 to 10 KiB."""

KEYS_LIFETIME = 300.0
"""Seconds until a key set is fetched again: a key that was withdrawn is good for so long."""

KEYS_RETRY = 10.0
"""Seconds between two fetches of a key set, whatever the strangers' tokens name."""

KEYS_TIMEOUT = 5.0
"""Seconds for a fetch of a key set: half of `open_timeout`, so that there is time for an answer."""

TICKET_LIFETIME = 30.0
"""Seconds for which a ticket is good: a page connects as soon as it has one."""

LARGEST_TICKET = 4 * KIB
"""Bytes of a ticket: half of a request line."""

MOST_TICKETS = 65_536
"""Used tickets that are remembered until they expire, of about 300 bytes: 2,000 a second."""

LEDGER_RETRY = 5.0
"""Seconds after which a client comes back, where nobody can say which tickets were used."""

TLS_GRACE = 60.0
"""Seconds by which TLS behind a PROXY header may outlast `open_timeout`: only if that has failed to
end it, for it counts header, TLS and request."""

MAX_PROXY_HEADER = 4 * KIB
"""Bytes of a header of the PROXY protocol: addresses take 232 at most, what else proxies tell of a
connection some hundred."""

IPV6_PREFIX = 64
"""Bits of an IPv6 address that count for limits: one customer has all addresses behind them."""

MOST_ALLOWANCES = 65_536
"""Addresses whose rate is kept at the same time; whoever finds no room shares one allowance."""

ALLOWANCES_REVIEWED = 2
"""Old allowances that are looked at for each new one, and forgotten if nothing was taken from them
of late: with one, a table that is full would never become smaller."""

FULL_RETRY_AFTER = 5
"""Seconds after which a client may ask again when a process has all the connections it may have."""

PREFLIGHT_MAX_AGE = 600
"""Seconds a browser may remember what a page of another site may ask: a change of the policy is
known to all pages after ten minutes."""

DOCTOR_TIMEOUT = 10.0
"""Seconds for each step of `trunkline doctor`: as long as the whole opening may take elsewhere."""

DOCTOR_PINGS = 5
"""Pings whose median `trunkline doctor` tells: one late answer does not spoil it."""

DOCTOR_BEGINNING = 64
"""Bytes of an answer that are kept to recognise another protocol by: each begins with a word."""

DOCTOR_FEW_DAYS = 14
"""Days of a certificate's life below which `trunkline doctor` warns: renewal at 30 was missed."""

RECEIVE_TIMEOUT = 1.0
"""Seconds, on its clock, that a test waits for something: in memory an answer takes none."""

TEST_PATIENCE = 3600.0
"""Seconds, on its clock, that a test may wait for anything: what takes longer never happens, and
an hour of keep-alive is over in a moment."""

TEST_QUIET = 0.05
"""Real seconds in which the real sockets beside a test must be silent until its time passes."""

LINE_BYTES = 256 * KIB
"""Bytes under way in one direction of a line in memory, about as many as a kernel holds."""

LINE_READ = 64 * KIB
"""Bytes that a line in memory delivers in one piece, at most."""

SHOWN_ENTRIES = 20
"""Latest things that happened on a connection, which a failed test is told of."""

SHOWN_CHARACTERS = 100
"""Characters of each message that are shown there: enough to know it by."""

LAG_INTERVAL = 0.25
"""Seconds between two looks at how late the event loop of an application is."""

WATCHDOG_PATIENCE = 1.0
"""Seconds without a sign of life, of which there are four, until the watchdog says where the loop
stands."""

LAGS_REMEMBERED = 4
"""Looks of which the worst is shown: those of the last second."""

HANDSHAKE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds by which handshakes are counted: up to `open_timeout`."""

ROUND_TRIP_BUCKETS = (*HANDSHAKE_BUCKETS, 20.0)
"""Seconds by which round trips of pings are counted: up to `ping_timeout`."""

LIFE_BUCKETS = (1.0, 10.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0)
"""Seconds by which lives of connections are counted: from a second to a day."""

LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds by which the lateness of the loop is counted: from nothing to a blockage."""

SNAPSHOT_INTERVAL = 1.0
"""Seconds between two snapshots for a status page that somebody looks at."""

SNAPSHOTS_KEPT = 300
"""Points of the charts of a status page: five minutes."""

LARGEST_LOGGED = 256
"""Characters of a path in the log: a stranger may send thirty times as many."""

LARGEST_WORD = 1 * KIB
"""Bytes of a message from a status page, which sends none."""
