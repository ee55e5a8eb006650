"""A certificate for the loopback address, made anew for each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two files: key and certificates of the server, and the authority that its peer trusts."""

    server: Path
    authority: Path


def make_certificate(folder: Path) -> Certificate:
    """Write both files into a folder."""
    authority = trustme.CA()
    certificate = Certificate(folder / "server.pem", folder / "authority.pem")
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(certificate.server)
    )
    authority.cert_pem.write_to_path(str(certificate.authority))
    return certificate
