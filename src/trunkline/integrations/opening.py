"""An opening request that another server has read: checked, and answered as far as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.errors import InvalidMessage
from trunkline.limits import Limits
from trunkline.protocol.extensions import Deflate
from trunkline.protocol.handshake import Agreement, check_request, negotiate
from trunkline.protocol.http1 import HeadReader, Request, Response, parse_request, refusal_for


@dataclass(frozen=True, slots=True)
class Opening:
    """A request that can be accepted.

    Args:
        request: what was asked.
        subprotocols: offered ones, the preferred one first.
        agreement: what is agreed on, where no subprotocol is.
        response: the answer that says so.
    """

    request: Request
    subprotocols: Sequence[str]
    agreement: Agreement
    response: Response


def read_opening(data: bytes, limits: Limits, wanted: Deflate | None) -> Opening:
    """Read and check a request.

    Args:
        data: a whole head, its empty line included.
        limits: of heads.
        wanted: compression that the server is willing to do.

    Raises:
        RequestRefused: it breaks a rule.
    """
    try:
        whole = HeadReader(limits.max_head).feed(data)
    except InvalidMessage as error:
        raise refusal_for(error) from None
    assert whole is not None, "the other server gives whole heads"
    request = parse_request(whole[0], limits)
    upgrade = check_request(request)
    agreement, response = negotiate(upgrade, None, wanted)
    return Opening(request, upgrade.subprotocols, agreement, response)
