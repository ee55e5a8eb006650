from collections.abc import Sequence

from trunkline.native.stream import Stream

def fan_out(streams: Sequence[Stream], data: bytes) -> list[Stream]: ...
