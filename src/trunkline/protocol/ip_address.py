"""IP addresses, in one form for each: what is limited or trusted by address must not have two."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from trunkline.limits import IPV6_PREFIX

NETWORK_MASK = (1 << IPV6_PREFIX) - 1 << 128 - IPV6_PREFIX
"""Keeps of an address of IPv6, as a number, what limits count by."""

LONGEST = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
"""Characters of an address: an error text repeats no more."""


def parse_ip(text: str) -> IPv4Address | IPv6Address:
    """Read an IP address; one of IPv4 in the clothes of IPv6 is of IPv4 (RFC 4291 §2.5.5.2).

    Raises:
        ValueError: it is none, or has a zone, which means nothing on another machine.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{text[:LONGEST]!r}… is not an address: it has over {LONGEST} characters")
    if "%" in text:
        raise ValueError(f"{text!r} is an address with a zone")
    return unmapped(ip_address(text))


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give the address of IPv4 for one of IPv6 that stands for it, and others as they are."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def normalize(address: str) -> str:
    """Give the one form of an address that a socket or `parse_ip()` knows; other names stay.

    Args:
        address: a peer's, perhaps with a zone (`fe80::1%eth0`), or a name like `unknown`.
    """
    try:
        return str(parse_ip(address.partition("%")[0]))
    except ValueError:
        return address


def bucket_of(address: str) -> str:
    """Give what limits for each address count by: an address of IPv4, or a network of IPv6.

    Whoever has one address of IPv6 has `IPV6_PREFIX` bits of others to come from (RFC 6177 §2).

    Args:
        address: as `normalize()` takes it.
    """
    try:
        ip = parse_ip(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return f"{IPv6Address(int(ip) & NETWORK_MASK)}/{IPV6_PREFIX}"
