"""An issuer's server of keys, on this machine, which does as it is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_SECONDS = 30.0


class Issuer:
    """What it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.url = ""
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        self.was_asked.set()
        self.may_answer.wait(HANG_SECONDS)
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)


@contextmanager
def issuing(context: ssl.SSLContext | None = None) -> Iterator[Issuer]:
    """Run an issuer."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme, port = "http" if context is None else "https", server.server_address[1]
    issuer.url = f"{scheme}://127.0.0.1:{port}/keys"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
