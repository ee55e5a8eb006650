"""No test of this folder may let an exception escape into the loop."""

from tests.engines.silent_loop import silent_loop

__all__ = ["silent_loop"]
