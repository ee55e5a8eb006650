"""The address: what it says, and the mistakes that people make in it."""

from __future__ import annotations

from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.cli.failures import address_hint
from trunkline.errors import InvalidURI
from trunkline.protocol.uri import DEFAULT_PORTS, WebSocketURI

NAME = "address"
FRAGMENT_ADVICE = "leave out # and what is behind it, or write %23 where the path has a #"
USUAL_ADVICE = "write ws://HOST:PORT/PATH, or wss:// for TLS"
OTHER_SCHEME = {"ws": "wss", "wss": "ws"}


def judge_wrong(error: InvalidURI) -> Step:
    """Say what is wrong with an address that is none, and what was probably meant."""
    guess = address_hint(error.uri).removeprefix("; ")
    advice = FRAGMENT_ADVICE if "fragment" in error.problem else guess or USUAL_ADVICE
    return failed(NAME, Problem(f"{error.uri} is not a WebSocket address: {error.problem}", advice))


def judge_address(uri: WebSocketURI, written: str) -> Step:
    """Say how an address is understood, and what is unusual about it.

    Args:
        uri: the address.
        written: as the user wrote it.
    """
    text = f"{uri.host_header} by {uri.scheme}://, port {uri.port}, path {uri.resource_name}"
    facts: dict[str, object] = {
        "scheme": uri.scheme,
        "host": uri.host,
        "port": uri.port,
        "path": uri.resource_name,
    }
    doubt = doubt_port(uri) or doubt_path(uri, written)
    if doubt is None:
        return Step(NAME, Mark.OK, text, facts=facts)
    return Step(NAME, Mark.WARNING, f"{text}; {doubt.what}", doubt.advice, facts=facts)


def doubt_port(uri: WebSocketURI) -> Problem | None:
    """Doubt the port that belongs to the other scheme."""
    other = OTHER_SCHEME[uri.scheme]
    if uri.port != DEFAULT_PORTS[other]:
        return None
    return Problem(f"port {uri.port} usually speaks {other}://", f"perhaps {other}:// is meant")


def doubt_path(uri: WebSocketURI, written: str) -> Problem | None:
    """Doubt an address that ends with its host."""
    _, _, rest = written.partition("://")
    if "/" in rest or uri.path != "/":
        return None
    what = "it has no path, so the server is asked for /"
    return Problem(what, "most servers have their WebSocket elsewhere, such as /ws")
