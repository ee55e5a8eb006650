"""The name: which addresses it has, and why it has none."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from trunkline.cli.doctor.facts import Lookup
from trunkline.cli.doctor.step import Mark, Problem, Step, failed
from trunkline.engines.happy_eyeballs import Place

NAME = "dns"
# The last label of names that only some name servers know (RFC 6762, RFC 8375 and custom)
INSIDE = frozenset(
    {"corp", "home", "intern", "internal", "intranet", "lan", "local", "localdomain", "private"}
)
# RFC 2606 §2, RFC 6761 §6.4
RESERVED = frozenset({"example", "invalid", "test"})
OF_THIS_MACHINE = "localhost"
CHECK_NAME = "check how it is spelt, and where the domain is registered whether the name is there"
PROBLEMS = {
    socket.EAI_AGAIN: Problem(
        "the name server does not answer",
        "check the network of this machine, and /etc/resolv.conf",
    ),
    socket.EAI_FAIL: Problem(
        "the name server fails on this name", "try another name server: `dig @1.1.1.1 NAME`"
    ),
}


def judge_lookup(lookup: Lookup) -> Step:
    """Say which addresses a host has."""
    if lookup.is_needless:
        return Step(NAME, Mark.SKIPPED, f"{lookup.host} is an address, there is no name to look up")
    if lookup.error is not None:
        return failed(NAME, explain_lookup(lookup.host, lookup.error), lookup.seconds)
    addresses = [place_address(place) for place in lookup.places]
    doubt = doubt_addresses(lookup.host, addresses)
    text = f"{lookup.host} is {', '.join(addresses)}"
    facts = {"addresses": addresses}
    if doubt is None:
        return Step(NAME, Mark.OK, text, seconds=lookup.seconds, facts=facts)
    text = f"{text}; {doubt.what}"
    return Step(NAME, Mark.WARNING, text, doubt.advice, lookup.seconds, facts=facts)


def place_address(place: Place) -> str:
    """Give the address in a place."""
    return str(place[1][0])


# Failures


def explain_lookup(host: str, error: OSError) -> Problem:
    """Explain why a host has no addresses."""
    if not isinstance(error, socket.gaierror):
        return Problem(f"no name server has answered about {host}", PROBLEMS[socket.EAI_AGAIN][1])
    number = 0 if error.errno is None else error.errno
    if number in PROBLEMS:
        what, advice = PROBLEMS[number]
        return Problem(f"{host} cannot be looked up: {what}", advice)
    if number != socket.EAI_NONAME:
        return Problem(f"{host} has no address ({error.strerror})", CHECK_NAME)
    return Problem(f"there is no host {host}", advise_unknown(host))


def advise_unknown(host: str) -> str:
    """Advise about a name that the name server does not know: others may know it."""
    *domain, last = host.lower().rstrip(".").split(".")
    if last in RESERVED:
        return f"names that end in .{last} never exist: it stands for yours in an example"
    if last in INSIDE:
        return f"names that end in .{last} are known inside their own network: is a VPN needed?"
    if not domain:
        return "a name without a dot is known inside its own network, or to containers of one"
    return f"{CHECK_NAME}; some names are known inside a company's network only (split horizon)"


# Doubts


def doubt_addresses(host: str, addresses: list[str]) -> Problem | None:
    """Doubt addresses that others would not get."""
    if host.lower().rstrip(".").endswith(OF_THIS_MACHINE):
        return None
    kinds = [ip_address(address.partition("%")[0]) for address in addresses]
    if any(is_of_this_machine(kind) for kind in kinds):
        what = "that is this machine itself"
        return Problem(what, "look into /etc/hosts, and whether a filter blocks the name")
    if any(kind.is_private for kind in kinds):
        what = "that is an address of a private network"
        return Problem(what, "others may get another one (split horizon), or no way there")
    return None


def is_of_this_machine(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address leads back to where one is."""
    return address.is_loopback or address.is_unspecified
