"""What strangers find out about the TLS of a server, with Debian's own tools."""

from __future__ import annotations

import asyncio
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import pytest

PATIENCE_SECONDS = 60
"""For a scan, which makes some hundred connections."""

NO_COMPRESSION = "Compression: NONE"
NEW_HANDSHAKE = b"R\n"
"""What `openssl s_client` understands as a wish to negotiate anew."""


@dataclass(frozen=True)
class Scan:
    """What `sslscan` has found.

    Args:
        root: its report.
    """

    root: ElementTree.Element

    @property
    def protocols(self) -> set[str]:
        """The versions that are spoken, such as `tls 1.2`."""
        found = self.root.iter("protocol")
        return {f"{each.get('type')} {each.get('version')}" for each in found if is_on(each)}

    @property
    def ciphers(self) -> dict[str, set[str]]:
        """The ciphers that are taken, for each version, such as `TLSv1.3`."""
        found: dict[str, set[str]] = {}
        for each in self.root.iter("cipher"):
            found.setdefault(str(each.get("sslversion")), set()).add(str(each.get("cipher")))
        return found

    @property
    def fewest_bits(self) -> int:
        """Bits of the weakest of them."""
        return min(int(str(each.get("bits"))) for each in self.root.iter("cipher"))

    @property
    def has_heartbleed(self) -> bool:
        """Whether memory of the server can be read (CVE-2014-0160)."""
        return any(each.get("vulnerable") != "0" for each in self.root.iter("heartbleed"))

    @property
    def key_type(self) -> str:
        """The kind of key that the certificate has."""
        [key] = self.root.iter("pk")
        return str(key.get("type"))

    def text_of(self, name: str) -> str:
        """Give the text of the only element of a name."""
        [found] = self.root.iter(name)
        return str(found.text)


def is_on(protocol: ElementTree.Element) -> bool:
    return protocol.get("enabled") == "1"


def need(program: str) -> str:
    """Skip a test whose tool is not there; otherwise give its path."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: run `tools/setup test`")
    return path


async def scan(host: str, port: int) -> Scan:
    """Have a server looked at by `sslscan`."""
    output = await run([need("sslscan"), "--xml=-", "--no-colour", f"{host}:{port}"])
    return Scan(ElementTree.fromstring(output))


async def ask(host: str, port: int, *options: str, said: bytes = b"") -> str:
    """Connect with `openssl s_client`, and give all that it tells."""
    command = [need("openssl"), "s_client", "-connect", f"{host}:{port}", *options]
    return await run(command, said)


async def run(command: list[str], said: bytes = b"") -> str:
    """Run a program beside the server, and give what it writes."""
    pipe, out = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=out)
    async with asyncio.timeout(PATIENCE_SECONDS):
        output, _ = await process.communicate(said)
    return output.decode(errors="replace")
