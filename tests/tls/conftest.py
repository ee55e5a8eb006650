"""A test leaves nothing behind."""

from tests.tidiness import tidiness

__all__ = ["tidiness"]
