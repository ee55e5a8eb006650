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
from trunkline.app.app_server import AppServer
from trunkline.server.trust import ForwardingHeader

FOLDER = Path(__file__).parent
HOST = "127.0.0.1"
BACKLOG = 64
PATIENCE_SECONDS = 10
"""For a program that was told to end."""


NGINX_HEADERS: dict[ForwardingHeader, tuple[str, ...]] = {
    "X-Forwarded-For": (
        'proxy_set_header Forwarded "";',
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Host $http_host;",
        'proxy_set_header X-Forwarded-Port "";',
        "proxy_set_header X-Forwarded-Proto $scheme;",
    ),
    "Forwarded": (
        "proxy_set_header Forwarded 'for=$remote_addr;host=\"$http_host\";proto=$scheme';",
        'proxy_set_header X-Forwarded-For "";',
        'proxy_set_header X-Forwarded-Host "";',
        'proxy_set_header X-Forwarded-Port "";',
        'proxy_set_header X-Forwarded-Proto "";',
    ),
}
HAPROXY_FORWARDED = 'set-header Forwarded \'for=%[src];host="%[req.hdr(Host)]";proto='
HAPROXY_HEADERS: dict[ForwardingHeader, tuple[str, ...]] = {
    "X-Forwarded-For": (
        "option forwardfor",
        "http-request del-header Forwarded",
        "http-request del-header X-Forwarded-Port",
        "http-request set-header X-Forwarded-Host %[req.hdr(Host)]",
        "http-request set-header X-Forwarded-Proto http",
        "http-request set-header X-Forwarded-Proto https if { ssl_fc }",
    ),
    "Forwarded": (
        "http-request del-header X-Forwarded- -m beg",
        f"http-request {HAPROXY_FORWARDED}http'",
        f"http-request {HAPROXY_FORWARDED}https' if {{ ssl_fc }}",
    ),
}
"""How each says who the client is; what the client says of it itself goes no further."""


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
        header: in which the proxy says who the client is; the other one is removed.
        host: what the proxy writes into Host; `None` for what it was asked for.
        idle_seconds: after which the proxy cuts a line on which nothing moves.
        is_tcp: whether haproxy passes bytes on without reading them.
    """

    program: str
    folder: Path
    certificate: Certificate | None = None
    is_unix: bool = False
    options: str = ""
    header: ForwardingHeader = "X-Forwarded-For"
    host: str | None = None
    idle_seconds: int = 60
    is_tcp: bool = False

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

    @property
    def place(self) -> dict[str, Any]:
        """Where the server listens."""
        return {"path": self.path} if self.is_unix else {"host": HOST, "port": 0}

    @asynccontextmanager
    async def serve(self, handler: Any, **options: Any) -> AsyncIterator[str]:
        """Serve, start the proxy before it, and give the address from the outside."""
        async with trunkline.serve(handler, **self.place, **options) as server:
            with self.before(server) as uri:
                yield uri

    @contextmanager
    def before(self, server: trunkline.Server | AppServer) -> Iterator[str]:
        """Start the proxy before a server at its `place`, and give the address from the outside."""
        target = self.path if self.is_unix else server.sockets[0].getsockname()[1]
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
        host=front.host or "$http_host",
        forwarding="\n            ".join(NGINX_HEADERS[front.header]),
        idle=f"{front.idle_seconds}s",
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
        "haproxy_tcp.cfg" if front.is_tcp else "haproxy.cfg",
        listen=f"fd@{listener.fileno()}{tls}",
        target=f"{HOST}:{target}" if isinstance(target, int) else f"unix@{target}",
        options=front.options,
        forwarding="\n    ".join(HAPROXY_HEADERS[front.header]),
        host=front.host or "%[req.hdr(Host)]",
        idle=f"{front.idle_seconds}s",
    )
    command = [find("haproxy") or "haproxy", "-db", "-f", path]
    return command, [*command, "-c"]
