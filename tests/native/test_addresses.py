"""Addresses are read as Python's own sockets read them."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from trunkline.native.addresses import parse_address

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="addresses as Linux writes them")


def raw_ipv4(host: str, port: int) -> bytes:
    address = socket.inet_aton(host)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, address)


def raw_ipv6(host: str, port: int, flow: int, scope: int) -> bytes:
    address = socket.inet_pton(socket.AF_INET6, host)
    family = struct.pack("=H", socket.AF_INET6)
    return family + struct.pack("!HI16s", port, flow, address) + struct.pack("=I", scope)


def raw_unix(path: bytes) -> bytes:
    return struct.pack("=H", socket.AF_UNIX) + path


def test_a_socket_without_a_name_has_no_address() -> None:
    assert parse_address(None) is None


@pytest.mark.parametrize("place", [("127.0.0.1", 80), ("0.0.0.0", 0), ("255.255.255.255", 65_535)])
def test_ipv4_is_host_and_port(place: tuple[str, int]) -> None:
    assert parse_address(raw_ipv4(*place)) == place


@pytest.mark.parametrize(
    "place",
    [
        ("::1", 443, 0, 0),
        ("::", 65_535, 0, 0),
        ("fe80::1", 8080, 0xABCDE, 7),
        ("2001:db8::ffff:1", 1, 1, 2**32 - 1),
        ("::ffff:127.0.0.1", 80, 0, 0),
    ],
)
def test_ipv6_is_host_port_flow_and_scope(place: tuple[str, int, int, int]) -> None:
    assert parse_address(raw_ipv6(*place)) == place


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", ""),
        (b"/run/socket", "/run/socket"),
        (b"/run/socket\0", "/run/socket"),
        (b"/run/socket\0\0left over", "/run/socket"),
        (b"\0abstract", b"\0abstract"),
        (b"\0with\0zeros\0", b"\0with\0zeros\0"),
        (b"\0", b"\0"),
        (b"\0\0\0", b"\0\0\0"),
        (b"/\xff", os.fsdecode(b"/\xff")),
    ],
)
def test_unix_is_a_path_and_abstract_names_are_bytes(raw: bytes, path: str | bytes) -> None:
    assert parse_address(raw_unix(raw)) == path


@pytest.mark.parametrize(
    "name", [b"", b"\0trunkline\0\xff of the tests", b"\0trunkline" + bytes(98), b"file"]
)
def test_names_are_what_the_socket_itself_says(
    name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(name)
        said = sock.getsockname()
    # Where none is given, the kernel invents an abstract name.
    raw = said if isinstance(said, bytes) else os.fsencode(said)
    assert parse_address(raw_unix(raw)) == said
