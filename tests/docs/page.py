"""A page of the documentation, whose blocks of code are run as a reader would run them."""

from __future__ import annotations

import re
import types
from pathlib import Path

import trunkline
from trunkline.app.app_server import AppServer

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Page:
    """One page.

    Args:
        name: of its file, without the ending.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        text = (DOCS / f"{name}.md").read_text()
        self.blocks = [(found[1], found[2]) for found in BLOCK.finditer(text)]

    def of(self, language: str) -> list[str]:
        """Give the blocks in a language."""
        return [code for found, code in self.blocks if found == language]

    def languages(self) -> dict[str, int]:
        """Count the blocks of each language, so that a test of a page forgets none."""
        return {language: len(self.of(language)) for language, _ in self.blocks}

    def run(self) -> types.SimpleNamespace:
        """Run all Python of the page, from top to bottom, as one module."""
        module = types.ModuleType(self.name.replace("-", "_"))
        for number, code in enumerate(self.of("python"), 1):
            exec(compile(code, f"docs/{self.name}.md, block {number}", "exec"), module.__dict__)
        return types.SimpleNamespace(**vars(module))


def uri_of(server: AppServer, path: str = "/") -> str:
    """Give the address of a path of a server."""
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"


def serve(app: trunkline.App) -> AppServer:
    """Serve an application of a page at a free port."""
    return app.serve("127.0.0.1", 0)
