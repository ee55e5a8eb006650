"""Every test leaves nothing behind, and runs on the loop of its engine."""

from tests.contracts.escapes import escapes
from tests.tidiness import tidiness

__all__ = ["escapes", "tidiness"]
