"""Lets the k-th allocation of a conversation fail, and all after it, for one k after the other.

Prints how many k there were until the conversation came through. Whatever happens has to be a
MemoryError, or nothing at all; an endpoint that saw one may be used and dropped all the same.
"""

import _testcapi

from trunkline.limits import Limits
from trunkline.native.endpoint import Endpoint
from trunkline.protocol.deflate import PerMessageDeflate
from trunkline.protocol.extensions import DeflateParameters, Direction
from trunkline.protocol.frames import encode_frame
from trunkline.protocol.opcodes import Opcode
from trunkline.protocol.role import Role

KEY = bytes.fromhex("37fa213d")
FORGETFUL = DeflateParameters(server=Direction(True, 12), client=Direction(True, 12))
LIMITS = Limits(max_size=1000)
LAST_ALLOCATION = 5000


def frame(opcode: Opcode, payload: bytes, fin: bool = True, rsv1: bool = False) -> bytes:
    """Encode what a client would send."""
    return encode_frame(opcode, payload, fin=fin, rsv1=rsv1, mask_key=KEY)


COMPRESSED = PerMessageDeflate(Role.CLIENT, FORGETFUL).compress(b"Hello" * 50, fin=True)
RECEIVED = [
    frame(Opcode.TEXT, "Grüße".encode()),
    frame(Opcode.BINARY, b"x" * 300) + frame(Opcode.PING, b"?"),
    frame(Opcode.TEXT, b"Hel", fin=False),
    frame(Opcode.CONTINUATION, b"l", fin=False)[:-1],
    frame(Opcode.CONTINUATION, b"l", fin=False)[-1:],
    frame(Opcode.CONTINUATION, b"o"),
    frame(Opcode.BINARY, COMPRESSED, rsv1=True),
    frame(Opcode.BINARY, b"x" * 1001),
]


def make() -> Endpoint:
    """Make a server's side."""
    return Endpoint(Role.SERVER, LIMITS, [PerMessageDeflate(Role.SERVER, FORGETFUL)])


def converse(endpoint: Endpoint) -> None:
    """Receive and send everything there is; the last thing received is too big."""
    for data in RECEIVED:
        endpoint.receive_bytes(data)
    endpoint.send_text("Hello")
    endpoint.send_binary(b"Hello" * 100)
    endpoint.send_pong(b"?")
    endpoint.send_close(1009, "too big")


def is_enough(allocations: int) -> bool:
    """Tell whether the conversation comes through with so many allocations."""
    endpoint = make()
    _testcapi.set_nomemory(allocations)
    try:
        converse(endpoint)
    except MemoryError:
        return False
    finally:
        _testcapi.remove_mem_hooks()
        use(endpoint)
    return True


def use(endpoint: Endpoint) -> None:
    """Go on with an endpoint, whatever it has been through."""
    try:
        endpoint.receive_bytes(RECEIVED[0])
        endpoint.send_binary(b"Hello")
    except (RuntimeError, ValueError):
        return


converse(make())  # what is allocated once and for all
print(next(count for count in range(LAST_ALLOCATION) if is_enough(count)))
