import asyncio
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from trunkline.cli.lines import CHUNK_BYTES, read_and_deliver, read_lines, set_unless_done


@pytest.fixture
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    reading, writing = os.pipe()
    with FileIO(reading, "r") as reader, FileIO(writing, "w") as writer:
        yield reader, writer


async def every_line(descriptor: int) -> list[bytes]:
    return [line async for line in read_lines(descriptor)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\n\r\ntwo", [b"one", b"", b"two"]),
        (b"\xff\x00\n", [b"\xff\x00"]),
        (b"x" * 3 * CHUNK_BYTES + b"\ny\n", [b"x" * 3 * CHUNK_BYTES, b"y"]),
        (b"x" * (CHUNK_BYTES - 1) + b"\r\ny", [b"x" * (CHUNK_BYTES - 1), b"y"]),
    ],
)
async def test_a_file_is_read_line_by_line(
    tmp_path: Path, content: bytes, lines: list[bytes]
) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert await every_line(file.fileno()) == lines


async def test_a_line_of_a_pipe_comes_before_the_next_is_there(pipe: tuple[FileIO, FileIO]) -> None:
    reading, writing = pipe
    lines = read_lines(reading.fileno())
    writing.write(b"one\ntw")
    assert await anext(lines) == b"one"
    writing.write(b"o\n")
    assert await anext(lines) == b"two"
    writing.close()
    assert [line async for line in lines] == []


async def test_an_input_that_cannot_be_read_has_ended(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert await every_line(folder) == []
    finally:
        os.close(folder)


async def test_nobody_need_wait_for_what_was_read() -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    future.cancel()
    set_unless_done(future, b"late")
    assert future.cancelled()


def test_a_loop_that_is_closed_is_no_harm(pipe: tuple[FileIO, FileIO]) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    pipe[1].write(b"late")
    taken: list[bytes] = []

    def deliver(chunk: bytes) -> None:
        taken.append(chunk)
        loop.call_soon_threadsafe(print)

    read_and_deliver(pipe[0].fileno(), deliver)
    assert taken == [b"late"]
