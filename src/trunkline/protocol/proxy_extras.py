"""What else a PROXY header of version 2 tells: its TLVs (proxy-protocol.txt §2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from trunkline.errors import InvalidMessage

HEAD_BYTES = 3
"""Of a TLV: one of its type and two of its length."""

CHECKSUM_BYTES = 4
TLS_HEAD_BYTES = 5
SPOKE_TLS = 0x01
MOST_AUTHORITY_BYTES = 255
"""Of a host name (§2.2.2)."""


class Kind(IntEnum):
    """The types that are looked into; others are for somebody else."""

    ALPN = 0x01
    AUTHORITY = 0x02
    CRC32C = 0x03
    SSL = 0x20


KNOWN = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class ProxyExtras:
    """What a proxy knows of a connection beside its addresses.

    Args:
        is_tls: whether the client spoke TLS with the proxy; `None` where it does not say so.
        authority: the host that the client asked for, in TLS by SNI.
        alpn: the protocol that was agreed on in TLS.
    """

    is_tls: bool | None = None
    authority: str | None = None
    alpn: bytes | None = None


NO_EXTRAS = ProxyExtras()


def parse_extras(header: bytes, start: int) -> ProxyExtras:
    """Read the TLVs of a header.

    Args:
        header: all of it, for its checksum.
        start: where the first one begins.

    Raises:
        InvalidMessage: one of them cannot be read, is there twice, or the checksum is wrong.
    """
    found: dict[int, slice] = {}
    for kind, place in walk(header, start, len(header)):
        # Which of two holds is a question that two readers could answer differently.
        if kind in found and kind in KNOWN:
            raise InvalidMessage(f"PROXY header has {Kind(kind).name} twice")
        found[kind] = place
    if Kind.CRC32C in found:
        check_checksum(header, found[Kind.CRC32C])
    values = {kind: header[place] for kind, place in found.items()}
    return ProxyExtras(
        is_tls=read_tls(values.get(Kind.SSL)),
        authority=read_authority(values.get(Kind.AUTHORITY)),
        alpn=values.get(Kind.ALPN),
    )


def walk(header: bytes, start: int, end: int) -> Iterator[tuple[int, slice]]:
    """Give type and place of each TLV between `start` and `end`."""
    while start < end:
        value_at = start + HEAD_BYTES
        if value_at > end:
            raise InvalidMessage(
                f"a TLV of the PROXY header has {end - start} bytes, not 3 or more"
            )
        length = int.from_bytes(header[start + 1 : value_at])
        if length > end - value_at:
            raise InvalidMessage(
                f"TLV {header[start]:#04x} of the PROXY header says {length:,} bytes, "
                f"{end - value_at:,} are left"
            )
        yield header[start], slice(value_at, value_at + length)
        start = value_at + length


def read_tls(value: bytes | None) -> bool | None:
    """Say whether the client spoke TLS; what else is told of it is only checked for its lengths."""
    if value is None:
        return None
    if len(value) < TLS_HEAD_BYTES:
        raise InvalidMessage(f"SSL of the PROXY header is {len(value)} bytes, not 5 or more")
    for _ in walk(value, TLS_HEAD_BYTES, len(value)):
        pass
    return bool(value[0] & SPOKE_TLS)


def read_authority(value: bytes | None) -> str | None:
    """Read the host that was asked for."""
    if value is None:
        return None
    if len(value) > MOST_AUTHORITY_BYTES:
        raise InvalidMessage(
            f"AUTHORITY of the PROXY header is {len(value):,} bytes, limit {MOST_AUTHORITY_BYTES}"
        )
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidMessage("AUTHORITY of the PROXY header is not UTF-8") from None


# The checksum


def check_checksum(header: bytes, place: slice) -> None:
    """Compare the checksum at `place` with that of the header."""
    if place.stop - place.start != CHECKSUM_BYTES:
        raise InvalidMessage(
            f"CRC32C of the PROXY header is {place.stop - place.start} bytes, not {CHECKSUM_BYTES}"
        )
    stated = int.from_bytes(header[place])
    # §2.2.3: it is counted with zeroes in its own place
    counted = crc32c(header[: place.start] + bytes(CHECKSUM_BYTES) + header[place.stop :])
    if stated != counted:
        raise InvalidMessage(
            f"CRC32C of the PROXY header is {counted:#010x}, it says {stated:#010x}"
        )


POLYNOMIAL = 0x82F63B78
"""Castagnoli's, its bits in reverse."""

ALL_BITS = 0xFFFFFFFF


def divide(byte: int) -> int:
    """Give the remainder of one byte."""
    for _ in range(8):
        byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


REMAINDERS = tuple(divide(byte) for byte in range(256))


def crc32c(data: bytes) -> int:
    """Give the checksum of `data` (RFC 4960 appendix B)."""
    remainder = ALL_BITS
    for byte in data:
        remainder = remainder >> 8 ^ REMAINDERS[(remainder ^ byte) & 0xFF]
    return remainder ^ ALL_BITS
