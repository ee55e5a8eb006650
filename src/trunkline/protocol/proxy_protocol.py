"""The PROXY protocol, versions 1 and 2: a proxy says before the first byte who its client is.

The sections are those of haproxy's proxy-protocol.txt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address

from trunkline.errors import InvalidMessage
from trunkline.limits import MAX_PROXY_HEADER
from trunkline.protocol.ip_address import parse_ip, unmapped
from trunkline.protocol.proxy_extras import NO_EXTRAS, ProxyExtras, parse_extras

Address = tuple[str, int]
"""IP address and port."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a proxy says of a connection before its first byte.

    Args:
        source: who connected to the proxy; `None` where the socket's own address holds, because
            the proxy speaks for itself, or does not know, or its client has no IP address.
        destination: to what they connected; `None` together with `source`.
        extras: what else the proxy knows.
    """

    source: Address | None = None
    destination: Address | None = None
    extras: ProxyExtras = NO_EXTRAS

    @property
    def is_tls(self) -> bool | None:
        """Whether the client spoke TLS with the proxy; `None` where it does not say so."""
        return self.extras.is_tls


class ProxyReader:
    """Collects the header of one connection; looks at each byte once.

    Args:
        max_size: bytes that a header of version 2 may have.
    """

    def __init__(self, max_size: int = MAX_PROXY_HEADER) -> None:
        self._max_size = max_size
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[ProxyHeader, bytes] | None:
        """Take what arrived; give the header and what lies behind it once the header is whole.

        Raises:
            InvalidMessage: it cannot become a header.
        """
        seen = len(self._buffer)
        self._buffer += data
        size = self._size_of_line(seen) if self._is_line() else self._size_of_block()
        if size is None:
            return None
        header, rest = bytes(self._buffer[:size]), bytes(self._buffer[size:])
        return (parse_line(header) if self._is_line() else parse_block(header)), rest

    def _is_line(self) -> bool:
        """Whether it is version 1, as far as can be seen."""
        return self._buffer.startswith(LINE_START[:1])

    def _size_of_line(self, seen: int) -> int | None:
        self._check_start(LINE_START)
        end = self._buffer.find(b"\n", seen, MOST_LINE_BYTES) + 1
        if end:
            return end
        # §2.1: a line is 107 characters at most, its end included
        if len(self._buffer) >= MOST_LINE_BYTES:
            raise InvalidMessage(
                f"PROXY line is over {MOST_LINE_BYTES} bytes, limit {MOST_LINE_BYTES}"
            )
        return None

    def _size_of_block(self) -> int | None:
        self._check_start(SIGNATURE)
        size = judge_block(self._buffer, self._max_size)
        return None if size is None or len(self._buffer) < size else size

    def _check_start(self, start: bytes) -> None:
        length = min(len(self._buffer), len(start))
        if self._buffer[:length] != start[:length]:
            raise InvalidMessage("the PROXY header is missing; the proxy has to send one")


# Version 1: a line of text (§2.1)


LINE_START = b"PROXY "
MOST_LINE_BYTES = 107
END_OF_LINE = b"\r\n"
PORT = re.compile(r"0|[1-9][0-9]{0,4}")
HIGHEST_PORT = 65535
IP_VERSIONS = {"TCP4": 4, "TCP6": 6}


def parse_line(line: bytes) -> ProxyHeader:
    """Read a whole line of version 1.

    Raises:
        InvalidMessage: it cannot be read.
    """
    if not line.endswith(END_OF_LINE):
        raise InvalidMessage("the PROXY line ends without a carriage return")
    family, *fields = line[len(LINE_START) : -len(END_OF_LINE)].decode("latin-1").split(" ")
    # §2.1: what stands behind UNKNOWN is ignored
    if family == "UNKNOWN":
        return ProxyHeader()
    if family not in IP_VERSIONS:
        raise InvalidMessage(f"PROXY line is for {family!r}, not TCP4, TCP6 or UNKNOWN")
    if len(fields) != 4:
        raise InvalidMessage(f"PROXY line has {len(fields)} fields behind {family}, not 4")
    hosts = [read_host(text, IP_VERSIONS[family]) for text in fields[:2]]
    ports = [read_port(text) for text in fields[2:]]
    return ProxyHeader(source=(hosts[0], ports[0]), destination=(hosts[1], ports[1]))


def read_host(text: str, version: int) -> str:
    """Read an address of a line, of IPv4 or IPv6."""
    try:
        if ip_address(text).version == version:
            return str(parse_ip(text))
    except ValueError:
        pass
    raise InvalidMessage(f"{text!r} in the PROXY line is not an address of IPv{version}")


def read_port(text: str) -> int:
    """Read a port of a line."""
    # §2.1: a decimal number without heading zeroes
    if not PORT.fullmatch(text) or int(text) > HIGHEST_PORT:
        raise InvalidMessage(f"{text!r} in the PROXY line is not a port, 0 to {HIGHEST_PORT:,}")
    return int(text)


# Version 2: a block of bytes (§2.2)


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
VERSION = 2
VERSION_AT = len(SIGNATURE)
FAMILY_AT = VERSION_AT + 1
LENGTH_AT = FAMILY_AT + 1
ADDRESSES_AT = LENGTH_AT + 2


class Command(IntEnum):
    """On whose behalf a proxy connects."""

    LOCAL = 0
    PROXY = 1


class Family(IntEnum):
    """What kind of addresses a block has."""

    UNSPEC = 0
    INET = 1
    INET6 = 2
    UNIX = 3


class Transport(IntEnum):
    """How the client reached the proxy."""

    UNSPEC = 0
    STREAM = 1
    DGRAM = 2


HOST_BYTES = {Family.UNSPEC: 0, Family.INET: 4, Family.INET6: 16, Family.UNIX: 108}
PORT_BYTES = {Family.UNSPEC: 0, Family.INET: 2, Family.INET6: 2, Family.UNIX: 0}


def address_bytes(family: Family) -> int:
    """Give the bytes of both addresses of a block."""
    return 2 * (HOST_BYTES[family] + PORT_BYTES[family])


def judge_block(block: bytes | bytearray, max_size: int) -> int | None:
    """Give the size of a block whose beginning is here; `None` where that cannot be said yet.

    Raises:
        InvalidMessage: no block can begin like this.
    """
    command = read_command(block[VERSION_AT]) if len(block) > VERSION_AT else None
    if command is not None and len(block) > FAMILY_AT:
        family, _ = read_family(command, block[FAMILY_AT])
        if len(block) >= ADDRESSES_AT:
            length = int.from_bytes(block[LENGTH_AT:ADDRESSES_AT])
            return check_size(family, length, max_size)
    return None


def read_command(byte: int) -> Command:
    """Read version and command."""
    version, command = divmod(byte, 16)
    # §2.2: the highest four bits are the version, and only 2 is accepted
    if version != VERSION:
        raise InvalidMessage(f"PROXY header has version {version}, not {VERSION}")
    # §2.2: receivers drop connections with other commands
    if command > Command.PROXY:
        raise InvalidMessage(f"PROXY header has command {command}, not 0 or 1")
    return Command(command)


def read_family(command: Command, byte: int) -> tuple[Family, Transport]:
    """Read address family and transport."""
    # §2.2: with LOCAL, the family is ignored
    if command is Command.LOCAL:
        return Family.UNSPEC, Transport.UNSPEC
    family, transport = divmod(byte, 16)
    if family > Family.UNIX:
        raise InvalidMessage(f"PROXY header has address family {family}, not 0 to 3")
    if transport > Transport.DGRAM:
        raise InvalidMessage(f"PROXY header has transport {transport}, not 0 to 2")
    return Family(family), Transport(transport)


def check_size(family: Family, length: int, max_size: int) -> int:
    """Give the size of a block, unless it is too large or has no room for its addresses."""
    size = ADDRESSES_AT + length
    if size > max_size:
        raise InvalidMessage(f"PROXY header is {size:,} bytes, limit {max_size:,}")
    needed = address_bytes(family)
    if length < needed:
        raise InvalidMessage(
            f"PROXY header has {length} bytes for addresses, {family.name} takes {needed}"
        )
    return size


def parse_block(block: bytes) -> ProxyHeader:
    """Read a whole block of version 2, whose beginning has been judged.

    Raises:
        InvalidMessage: it cannot be read.
    """
    command = read_command(block[VERSION_AT])
    family, transport = read_family(command, block[FAMILY_AT])
    # §2.2: of LOCAL and of what is not specified, everything else is ignored
    if family is Family.UNSPEC or transport is Transport.UNSPEC:
        return ProxyHeader()
    extras = parse_extras(block, ADDRESSES_AT + address_bytes(family))
    # An address of a Unix socket says nothing of where somebody is.
    if family is Family.UNIX:
        return ProxyHeader(extras=extras)
    source, destination = read_addresses(block, family)
    return ProxyHeader(source, destination, extras)


def read_addresses(block: bytes, family: Family) -> tuple[Address, Address]:
    """Read source and destination: two hosts, then two ports."""
    size = HOST_BYTES[family]
    ports_at = ADDRESSES_AT + 2 * size
    hosts = [block[at : at + size] for at in (ADDRESSES_AT, ADDRESSES_AT + size)]
    ports = [int.from_bytes(block[at : at + 2]) for at in (ports_at, ports_at + 2)]
    source, destination = (str(unmapped(ip_address(host))) for host in hosts)
    return (source, ports[0]), (destination, ports[1])
