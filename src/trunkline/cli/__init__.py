"""The command `trunkline`: talk to a server, or be one."""

from trunkline.cli.command import main

__all__ = ["main"]
