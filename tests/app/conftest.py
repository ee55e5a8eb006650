"""Every test of an application leaves nothing behind."""

from tests.tidiness import tidiness

__all__ = ["tidiness"]
