"""Who is examined: the way there, and what to ask."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from trunkline.cli.doctor.question import Question
from trunkline.cli.doctor.route import Route
from trunkline.limits import Limits
from trunkline.protocol.uri import WebSocketURI


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that can be visited again and again.

    Args:
        uri: its address; the host is the name in its certificate.
        route: leads there.
        proxy: address of the one in between, if there is one.
        question: to ask there.
        context: TLS; `None` for none.
        limits: of its answers.
        timeout: seconds for each step.
    """

    uri: WebSocketURI
    route: Route
    proxy: str | None
    question: Question
    context: ssl.SSLContext | None
    limits: Limits
    timeout: float
