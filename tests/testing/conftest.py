"""No exception may escape into the loop of these tests."""

from tests.engines.silent_loop import silent_loop

__all__ = ["silent_loop"]
