"""The answer to the opening request, and how it began on the wire."""

from __future__ import annotations

from trunkline.cli.doctor.probes.stopwatch import Stopwatch
from trunkline.client.answer import Answer
from trunkline.limits import DOCTOR_BEGINNING, Limits


class Reply(Answer):
    """An answer whose first bytes are kept, whatever they are. It is its stream's receiver."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.stopwatch = Stopwatch()
        """Started again by whoever asks."""
        self.seconds = 0.0
        """From the request to the first byte."""
        self.beginning = b""

    def bytes_received(self, data: bytes) -> None:
        """Keep the beginning, and read on."""
        self.seconds = self.seconds or self.stopwatch.seconds()
        self.beginning += data[: DOCTOR_BEGINNING - len(self.beginning)]
        super().bytes_received(data)
