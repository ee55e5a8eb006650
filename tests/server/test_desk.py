"""What a desk gives to an opening."""

import pytest

from trunkline import Response
from trunkline.protocol.handshake import Agreement
from trunkline.server.desk import Admission


def test_an_admission_stays_as_it_was_decided() -> None:
    response = Response(101, "Switching Protocols")
    admission = Admission(None, response, Agreement(), None, None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        admission.coroutine = None  # type: ignore[misc]
