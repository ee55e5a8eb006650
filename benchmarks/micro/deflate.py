"""zlib, zlib-ng and ISA-L as permessage-deflate needs them: time, size and memory.

    python benchmarks/micro/deflate.py [--sweep] [--rounds 7]

Each library is called through ctypes, which adds about a microsecond to a row. What is not
installed is left out: zlib-ng comes from the package `zlib-ng` of PyPI, ISA-L from `isal` or from
Debian's libisal2.

- **varied**: as many different messages as fit into 64 KiB and 16 at least. **same**: one message
  again and again, as load generators send it: the processor learns its branches by heart, and
  everything looks twice as fast as it is.
- **reset**: nothing is remembered from message to message; **context**: the window is kept.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import importlib
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from ctypes import POINTER, Structure, byref, c_int, c_size_t, c_uint, c_ulong, c_void_p
from dataclasses import dataclass
from typing import Protocol

SIZES = [200, 1024, 64 * 1024]
WINDOW_BITS = 12
SYNC_FLUSH = 2
DEFLATED = 8
ROOM = 256 * 1024
SECONDS = 0.05
"""Of a round; the best of the rounds counts."""

NAMES = ["anna", "bert", "carla", "dirk", "emma", "frank", "gina", "hans"]
WORDS = ["update", "price", "volume", "order", "trade", "level", "market", "limit", "close"]


class Codec(Protocol):
    """One library with one setting; both directions, one stream each."""

    name: str

    def reset(self) -> None: ...
    def compress(self, source: int, size: int, target: int) -> int: ...
    def reset_inflater(self) -> None: ...
    def inflate(self, source: int, size: int, target: int) -> int: ...
    def memory(self) -> tuple[int, int]: ...


# zlib and zlib-ng

Allocate = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_uint, c_uint)
Free = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)


class ZStream(Structure):
    """z_stream of zlib.h; zng_stream lies in memory in the same way on 64-bit Linux."""

    _fields_ = [
        ("next_in", c_void_p),
        ("avail_in", c_uint),
        ("total_in", c_ulong),
        ("next_out", c_void_p),
        ("avail_out", c_uint),
        ("total_out", c_ulong),
        ("msg", c_void_p),
        ("state", c_void_p),
        ("zalloc", Allocate),
        ("zfree", Free),
        ("opaque", c_void_p),
        ("data_type", c_int),
        ("adler", c_ulong),
        ("reserved", c_ulong),
    ]


class Zlib:
    """zlib, or what has its interface."""

    def __init__(self, library: ctypes.CDLL, name: str, level: int, memory_level: int) -> None:
        prefix = "zng_" if name == "zlib-ng" else ""
        self.name = f"{name} level {level}, memory level {memory_level}"
        self._deflater, self._inflater = ZStream(), ZStream()
        self._sizes = [0, 0]
        self._keep = [self._count(stream, i) for i, stream in enumerate(self._streams())]
        call = [getattr(library, prefix + verb) for verb in ("deflate", "inflate")]
        self._deflate, self._inflate = call
        for function in call:
            function.argtypes = [POINTER(ZStream), c_int]
        self._reset = getattr(library, prefix + "deflateReset")
        self._reset_inflater = getattr(library, prefix + "inflateReset")
        settings = (level, DEFLATED, -WINDOW_BITS, memory_level, 0)
        # The macros of zlib.h add these two; zlib-ng has functions of the plain names.
        end = () if prefix else (b"1.2.11", c_int(ctypes.sizeof(ZStream)))
        verbs = [f"{prefix}{verb}{'_' * (not prefix)}" for verb in ("deflateInit2", "inflateInit2")]
        begin = [getattr(library, verb) for verb in verbs]
        assert begin[0](byref(self._deflater), *settings, *end) == 0
        assert begin[1](byref(self._inflater), -15, *end) == 0

    def _streams(self) -> tuple[ZStream, ZStream]:
        return self._deflater, self._inflater

    def _count(self, stream: ZStream, index: int) -> tuple[object, object]:
        """Count what zlib asks for."""
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = c_void_p, [c_size_t]
        libc.free.argtypes = [c_void_p]

        def allocate(_: int, items: int, size: int) -> int:
            self._sizes[index] += items * size
            return int(libc.malloc(items * size))

        stream.zalloc, stream.zfree = Allocate(allocate), Free(lambda _, block: libc.free(block))
        return stream.zalloc, stream.zfree

    def reset(self) -> None:
        self._reset(byref(self._deflater))

    def reset_inflater(self) -> None:
        self._reset_inflater(byref(self._inflater))

    def compress(self, source: int, size: int, target: int) -> int:
        return run(self._deflater, self._deflate, source, size, target)

    def inflate(self, source: int, size: int, target: int) -> int:
        return run(self._inflater, self._inflate, source, size, target)

    def memory(self) -> tuple[int, int]:
        return self._sizes[0], self._sizes[1]


def run(stream: ZStream, function: Callable[..., int], source: int, size: int, target: int) -> int:
    """Put one message through."""
    stream.next_in, stream.avail_in = source, size
    stream.next_out, stream.avail_out = target, ROOM
    function(stream, SYNC_FLUSH)
    assert stream.avail_in == 0
    return ROOM - int(stream.avail_out)


# ISA-L


class IsalStream(Structure):
    """The beginning of isal_zstream in igzip_lib.h."""

    _fields_ = [
        ("next_in", c_void_p),
        ("avail_in", c_uint),
        ("total_in", c_uint),
        ("next_out", c_void_p),
        ("avail_out", c_uint),
        ("total_out", c_uint),
        ("tables", c_void_p),
        ("level", c_uint),
        ("level_buffer_size", c_uint),
        ("level_buffer", c_void_p),
        ("end_of_stream", ctypes.c_uint16),
        ("flush", ctypes.c_uint16),
        ("gzip_flag", ctypes.c_uint16),
        ("window_bits", ctypes.c_uint16),
        ("rest", ctypes.c_char * 100_000),
    ]


class IsalInflater(Structure):
    """The beginning of inflate_state in igzip_lib.h."""

    _fields_ = [
        ("next_out", c_void_p),
        ("avail_out", c_uint),
        ("total_out", c_uint),
        ("next_in", c_void_p),
        ("read_in", ctypes.c_uint64),
        ("avail_in", c_uint),
        ("rest", ctypes.c_char * 100_000),
    ]


class Isal:
    """ISA-L's igzip."""

    LEVEL_BUFFERS = (0, 24_576, 73_728, 90_112)
    SIZES = (82_384, 87_368)

    def __init__(self, library: ctypes.CDLL, level: int) -> None:
        self.name = f"ISA-L level {level}"
        self._deflater, self._inflater, self._library = IsalStream(), IsalInflater(), library
        self._buffer = ctypes.create_string_buffer(self.LEVEL_BUFFERS[level] + 1)
        library.isal_deflate_init(byref(self._deflater))
        library.isal_inflate_init(byref(self._inflater))
        self._deflater.level, self._level = level, level
        self._deflater.level_buffer_size = self.LEVEL_BUFFERS[level]
        self._deflater.level_buffer = ctypes.addressof(self._buffer)
        self._deflater.window_bits = WINDOW_BITS

    def reset(self) -> None:
        self._library.isal_deflate_reset(byref(self._deflater))
        self._deflater.window_bits = WINDOW_BITS

    def reset_inflater(self) -> None:
        self._library.isal_inflate_reset(byref(self._inflater))

    def compress(self, source: int, size: int, target: int) -> int:
        stream = self._deflater
        stream.next_in, stream.avail_in, stream.flush = source, size, 1
        stream.next_out, stream.avail_out = target, ROOM
        self._library.isal_deflate(byref(stream))
        assert stream.avail_in == 0
        return ROOM - int(stream.avail_out)

    def inflate(self, source: int, size: int, target: int) -> int:
        stream = self._inflater
        stream.next_in, stream.avail_in = source, size
        stream.next_out, stream.avail_out = target, ROOM
        self._library.isal_inflate(byref(stream))
        assert stream.avail_in == 0
        return ROOM - int(stream.avail_out)

    def memory(self) -> tuple[int, int]:
        return self.SIZES[0] + self.LEVEL_BUFFERS[self._level], self.SIZES[1]


# What is installed


def load(system: str, module: str) -> ctypes.CDLL | None:
    """Load a library of the system, or the one inside a package of PyPI."""
    if found := ctypes.util.find_library(system):
        return ctypes.CDLL(found)
    try:
        return ctypes.CDLL(importlib.import_module(module).__file__)
    except ImportError:
        return None


def codecs(sweep: bool) -> Iterator[Callable[[], Codec]]:
    """Yield what makes each codec that is installed."""
    zlibs = {"zlib": load("z", "zlib"), "zlib-ng": load("z-ng", "zlib_ng.zlib_ng")}
    for name, library in zlibs.items():
        if library is None:
            continue
        for level in range(1, 10) if sweep else (1, 3, 6):
            for memory_level in (5, 6, 7, 8, 9) if sweep else (5, 8):
                yield lambda n=name, lib=library, lv=level, m=memory_level: Zlib(lib, n, lv, m)
    isal = load("isal", "isal.igzip_lib")
    for level in range(4) if isal else ():
        yield lambda lib=isal, lv=level: Isal(lib, lv)


# Measuring


@dataclass(frozen=True)
class Row:
    """What one codec makes of one kind of messages."""

    compress: float
    inflate: float
    ratio: float


def text(size: int, seed: int) -> bytes:
    """Make JSON as a market or a chat would send it."""
    dice, rows, message = random.Random(seed), [], ""
    while len(message) < size:
        rows.append(
            {
                "id": dice.randrange(10**6),
                "user": dice.choice(NAMES),
                "price": round(dice.uniform(1, 500), 2),
                "time": 1_700_000_000 + dice.randrange(10**6),
                "text": " ".join(dice.choices(WORDS, k=6)),
                "ok": dice.random() < 0.5,
            }
        )
        message = json.dumps(rows)
    return message[:size].encode()


def best(action: Callable[[], object], rounds: int) -> float:
    """Give the processor time of an action in µs, of the best round."""
    times, start = [], time.process_time()
    action()
    count = max(1, int(SECONDS / max(time.process_time() - start, 1e-6)))
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(count):
            action()
        times.append((time.process_time() - start) / count)
    return min(times) * 1e6


def measure(codec: Codec, messages: Sequence[bytes], keep: bool, rounds: int) -> Row:
    """Put messages through a codec in both directions, and check them."""
    target, back = ctypes.create_string_buffer(ROOM), ctypes.create_string_buffer(ROOM)
    out, place = ctypes.addressof(target), ctypes.addressof(back)
    sources = [ctypes.create_string_buffer(message, len(message)) for message in messages]
    given = [(ctypes.addressof(source), len(source)) for source in sources]

    def compress() -> None:
        for source, size in given:
            if not keep:
                codec.reset()
            codec.compress(source, size, out)

    def inflate() -> None:
        codec.reset_inflater()
        for source, size in packed:
            if not keep:
                codec.reset_inflater()
            codec.inflate(source, size, place)

    codec.reset()
    copies = []
    for source, size in given:
        if not keep:
            codec.reset()
        length = codec.compress(source, size, out)
        copies.append(target.raw[:length])
    kept = [ctypes.create_string_buffer(copy, len(copy)) for copy in copies]
    packed = [(ctypes.addressof(copy), len(copy)) for copy in kept]
    inflate()
    assert back.raw[: len(messages[-1])] == messages[-1]
    ratio = statistics.mean((len(c) - 4) / len(m) for c, m in zip(copies, messages, strict=True))
    count = len(messages)
    return Row(best(compress, rounds) / count, best(inflate, rounds) / count, ratio)


def report(make: Callable[[], Codec], size: int, rounds: int) -> None:
    """Print a line for a codec and a size."""
    many = [text(size, seed) for seed in range(max(16, 64 * 1024 // size))]
    varied = measure(make(), many, keep=False, rounds=rounds)
    same = measure(make(), many[:1] * 16, keep=False, rounds=rounds)
    context = measure(codec := make(), many, keep=True, rounds=rounds)
    cells = "".join(
        f"{row.compress:>9.2f}{row.inflate:>8.2f}{row.ratio:>7.3f}"
        for row in (varied, same, context)
    )
    compressor, inflater = codec.memory()
    print(f"{codec.name:<32}{cells}{compressor / 1024:>9.0f}{inflater / 1024:>6.0f}", flush=True)


def main() -> None:
    """Print a table for each size."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sweep", action="store_true", help="every level and memory level")
    arguments.add_argument("--rounds", type=int, default=7)
    options = arguments.parse_args()
    column = f"{'µs':>9}{'inflate':>8}{'ratio':>7}"
    for size in SIZES:
        kinds = "".join(f"{kind:>24}" for kind in ("reset, varied", "reset, same", "context"))
        print(f"\n{f'{size:,} bytes':<32}{kinds}{'KiB':>12}")
        print(f"{'':<32}{column * 3}{'out':>9}{'in':>6}")
        for make in codecs(options.sweep):
            report(make, size, options.rounds)


if __name__ == "__main__":
    main()
