"""What users' code raises for which one connection pays, and no other."""

from __future__ import annotations

import logging

from trunkline.protocol.role import Role

MISTAKES = (Exception, SystemExit)
"""Of a server: asyncio would take sys.exit() as the end of the loop, and so of everybody else."""

EXIT = ": sys.exit() in it ends this connection, not the server; SIGTERM does that"


def mistakes_of(role: Role) -> tuple[type[BaseException], ...]:
    """Give what is a mistake of a handler: in a client, sys.exit() means what it says."""
    return MISTAKES if role is Role.SERVER else (Exception,)


def log_mistake(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log what a handler has raised.

    Args:
        logger: is told.
        what: has raised it.
        error: is one of `MISTAKES`.
    """
    hint = EXIT if isinstance(error, SystemExit) else ""
    logger.error("%s failed%s", what, hint, exc_info=error)
