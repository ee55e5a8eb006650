"""socketify: uWebSockets, protocol and sockets in C++, with handlers in Python."""

from __future__ import annotations

import socket
from typing import Any

from socketify import App, AppListenOptions, AppOptions, CompressOptions, OpCode

from benchmarks.peers.setting import (
    HOST,
    MAX_MESSAGE_BYTES,
    PUBLISHER,
    SUBSCRIBER,
    Setting,
    parse_setting,
    ready,
)

TOPIC = "all"
MAX_BACKLOG_BYTES = 64 * 1024 * 1024


def echo(ws: Any, message: str | bytes, opcode: OpCode) -> None:
    ws.send(message, opcode, opcode == OpCode.TEXT)


def behaviour(setting: Setting, **handlers: Any) -> dict[str, Any]:
    compression = CompressOptions.SHARED_COMPRESSOR | CompressOptions.SHARED_DECOMPRESSOR
    return {
        "compression": compression if setting.is_compressed else CompressOptions.DISABLED,
        "max_payload_length": MAX_MESSAGE_BYTES,
        "max_backpressure": MAX_BACKLOG_BYTES,
        "idle_timeout": 0,
        **handlers,
    }


def free_port() -> int:
    """Find a port, for socketify does not tell which one it was given."""
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


def main(setting: Setting) -> None:
    tls = setting.certificate and str(setting.certificate)
    app = App(AppOptions(key_file_name=tls, cert_file_name=tls) if tls else None)
    app.ws(SUBSCRIBER, behaviour(setting, open=lambda ws: ws.subscribe(TOPIC)))
    app.ws(
        PUBLISHER,
        behaviour(setting, message=lambda ws, message, opcode: app.publish(TOPIC, message, opcode)),
    )
    app.ws("/*", behaviour(setting, message=echo))
    app.listen(
        AppListenOptions(port=free_port(), host=HOST),
        lambda config: ready(config.port, "socketify"),
    )
    app.run()


if __name__ == "__main__":
    main(parse_setting())
