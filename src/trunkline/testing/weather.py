"""What befalls every line to a server, from its first byte on."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.testing.line import Line, check_delay, check_loss


@dataclass(frozen=True, slots=True)
class Weather:
    """The same for every line to a server.

    Args:
        delay: seconds, on the test's clock, that everything takes in each direction.
        loss: probability of each byte to be the last on its line.
        seed: of the losses; the same one cuts each line at the same byte.

    Raises:
        UsageError: delay or loss are not such numbers.
    """

    delay: float = 0.0
    loss: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_delay(self.delay)
        check_loss(self.loss)

    def befall(self, line: Line, number: int) -> None:
        """Let it come over a line, the `number`th of all."""
        line.delay(self.delay)
        line.lose(self.loss, f"{self.seed}/{number}")


CALM = Weather()
