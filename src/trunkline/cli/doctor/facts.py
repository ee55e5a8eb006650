"""Facts: what the probes bring back, of success and of failure. All times are seconds."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.cli.doctor.certificate import Certificate
from trunkline.client.proxy import Proxy
from trunkline.engines.happy_eyeballs import Place
from trunkline.errors import ConnectionClosed
from trunkline.protocol.http1 import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which proxy is used, if any, and why."""

    proxy: Proxy | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The addresses of a host; `is_needless` where the host was given by its address."""

    host: str
    places: Sequence[Place] = ()
    seconds: float = 0.0
    error: OSError | None = None
    is_needless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """An attempt to connect to one address; `sock` is open where it succeeded."""

    place: Place
    seconds: float
    sock: socket.socket | None = None
    error: OSError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A way through a proxy."""

    seconds: float
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a server shows to whoever believes everything."""

    version: str
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """A TLS handshake.

    Args:
        seconds: it took.
        version: of the protocol, such as TLSv1.3.
        cipher: its name.
        alpn: what was agreed on by ALPN.
        is_checked: whether the certificate must be right.
        certificate: of the server, where it is.
        encoded: the same in DER, in any case.
        error: why there is no TLS.
        look: after an error, what the server shows to who believes everything; `None` for nothing.
        in_the_clear: after an error, the first bytes that come back to a request without TLS.
    """

    seconds: float
    version: str = ""
    cipher: str = ""
    alpn: str | None = None
    is_checked: bool = True
    certificate: Certificate | None = None
    encoded: bytes = b""
    error: Exception | None = None
    look: Look | None = None
    in_the_clear: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An opening request and what came back.

    Args:
        seconds: until the first byte of the answer, or the failure.
        beginning: the first bytes of it.
        response: the answer, where it is one.
        rest: bytes behind it that belong to the connection.
        error: why there is no answer.
        speaks_tls: after an error without TLS, whether the port wants TLS.
    """

    seconds: float
    beginning: bytes = b""
    response: Response | None = None
    rest: bytes = b""
    error: Exception | None = None
    speaks_tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The same request with another Origin (`None` for none); a status, if there was an answer."""

    origin: str | None
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Round trips of pings, and what put an end to them."""

    round_trips: Sequence[float]
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A time in which this side sent nothing.

    Args:
        wanted: so long.
        lasted: so long it was possible.
        was_broken: whether the server sent anything meanwhile, and the line held.
        closed: how the connection was cut; `None` where it was not.
        pulse: where it was not, a ping at the end.
    """

    wanted: float
    lasted: float
    was_broken: bool = False
    closed: ConnectionClosed | None = None
    pulse: Pulse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """A close handshake that this side began."""

    seconds: float
    closed: ConnectionClosed
