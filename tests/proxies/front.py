"""A real proxy in front of a server of this process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid
from string import Template
from typing import Any

import trunkline
from tests.interop.certificate import Certificate
from tests.interop.meeting import port_of

FOLDER = Path(__file__).parent
HOST = "127.0.0.1"
BACKLOG = 64
PATIENCE_SECONDS = 10
"""For a program that was told to end."""


class Configuration(Template):
    """A template that leaves the dollars of nginx alone."""

    delimiter = "%"


def find(program: str) -> str | None:
    """Give the path of a program; Debian has servers where only root looks."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


@dataclass(frozen=True)
class Front:
    """How a server is reached from the outside.

    Args:
        program: nginx or haproxy.
        folder: empty, for what both need.
        certificate: with which the proxy speaks TLS to clients; `None` for none.
        is_unix: whether the proxy reaches the server by a Unix socket.
        options: more words for the server line of haproxy.
    """

    program: str
    folder: Path
    certificate: Certificate | None = None
    is_unix: bool = False
    options: str = ""

    @property
    def path(self) -> str:
        """The path of the server's Unix socket."""
        return str(self.folder / "app.sock")

    @property
    def client_options(self) -> dict[str, Any]:
        """What `trunkline.connect()` needs to know."""
        certificate = self.certificate
        return {"proxy": None, "ssl": None if certificate is None else certificate.client_context}

    def with_options(self, options: str) -> Front:
        """Give the same with words for the server line of haproxy."""
        return replace(self, options=options)

    @asynccontextmanager
    async def serve(self, handler: Any, **options: Any) -> AsyncIterator[str]:
        """Serve, start the proxy before it, and give the address from the outside."""
        place = {"path": self.path} if self.is_unix else {"host": HOST, "port": 0}
        async with trunkline.serve(handler, **place, **options) as server:
            target = self.path if self.is_unix else port_of(server)
            with self.start(target) as port:
                yield f"{'wss' if self.certificate else 'ws'}://{HOST}:{port}/"

    @contextmanager
    def start(self, target: str | int) -> Iterator[int]:
        """Start the proxy, and give its port.

        Args:
            target: of the server: the path of its Unix socket, or its port.
        """
        # It listens already, so nobody has to wait until the proxy does, or race for a port.
        listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        write = write_nginx if self.program == "nginx" else write_haproxy
        with listener, (self.folder / "log").open("wb") as log:
            command, check = write(self, listener, target)
            shared: dict[str, Any] = {
                "pass_fds": [listener.fileno()],
                "env": os.environ | {"NGINX": f"{listener.fileno()};"},
                "stdout": log,
                "stderr": log,
            }
            if subprocess.run(check, **shared).returncode:
                raise RuntimeError((self.folder / "log").read_text())
            process = subprocess.Popen(command, **shared)
            port = listener.getsockname()[1]
        try:
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)

    def fill(self, name: str, **values: str) -> str:
        """Write a configuration, and give its path."""
        path = self.folder / name
        text = (FOLDER / name).read_text()
        path.write_text(Configuration(text).substitute(values, folder=self.folder))
        return str(path)

    def write_certificate(self, name: str, text: str) -> str:
        """Write a part of the certificate, and give its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


Commands = tuple[list[str], list[str]]
"""To run a proxy, and to have it judge its configuration before."""


def write_nginx(front: Front, listener: socket.socket, target: str | int) -> Commands:
    """Configure nginx. It finds the listening socket by its address, as in an upgrade of itself."""
    port, certificate, tls = listener.getsockname()[1], front.certificate, ""
    if certificate is not None:
        chain = front.write_certificate("chain.pem", certificate.chain)
        key = front.write_certificate("key.pem", certificate.key)
        tls = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    path = front.fill(
        "nginx.conf",
        listen=f"{HOST}:{port}{' ssl' if tls else ''}",
        tls=tls,
        # Its worker has to reach the Unix socket, as whoever made it.
        user=f"{getpwuid(os.getuid()).pw_name} {getgrgid(os.getgid()).gr_name}",
        target=f"{HOST}:{target}" if isinstance(target, int) else f"unix:{target}",
    )
    command = [find("nginx") or "nginx", "-e", "stderr", "-p", str(front.folder), "-c", path]
    return command, [*command, "-t"]


def write_haproxy(front: Front, listener: socket.socket, target: str | int) -> Commands:
    """Configure haproxy. It is told the number of the listening socket."""
    tls = ""
    if front.certificate is not None:
        both = front.certificate.chain + front.certificate.key
        tls = f" ssl crt {front.write_certificate('both.pem', both)}"
    path = front.fill(
        "haproxy.cfg",
        listen=f"fd@{listener.fileno()}{tls}",
        target=f"{HOST}:{target}" if isinstance(target, int) else f"unix@{target}",
        options=front.options,
    )
    command = [find("haproxy") or "haproxy", "-db", "-f", path]
    return command, [*command, "-c"]
