from trunkline.limits import Limits
from trunkline.native.lane import Lane
from trunkline.native.sink import Sink

class Rates:
    """What follows from limits, once for all connections that have the same."""

    def __init__(self, limits: Limits) -> None: ...

class Meter(Sink):
    """Stands before a lane whose limits have rates; `connection.meter.Meter` says what it does."""

    messages: float
    bytes: float
    control: float
    def __init__(self, rates: Rates, lane: Lane) -> None: ...
    @property
    def is_holding(self) -> bool: ...
    def let_go(self) -> None: ...
    def control_sent(self, size: int) -> None: ...
