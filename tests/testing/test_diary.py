"""What a failed test is told of a connection."""

import pytest

from trunkline.limits import SHOWN_CHARACTERS, SHOWN_ENTRIES
from trunkline.testing.clock import Clock
from trunkline.testing.diary import HAPPENED, RECEIVED, SENT, Diary, show


async def test_it_says_what_happened_and_when() -> None:
    clock = Clock()
    diary = Diary("/rooms/1", clock)
    with clock.drive():
        diary.write(HAPPENED, "opened")
        await clock.advance(2.5)
        diary.write(SENT, show("hello"))
    assert str(diary).splitlines() == [
        "what happened on /rooms/1:",
        "      0.000 s  -- opened",
        "      2.500 s  -> 'hello'",
    ]


def test_only_the_latest_is_shown() -> None:
    diary = Diary("/", Clock())
    for number in range(SHOWN_ENTRIES + 3):
        diary.write(RECEIVED, str(number))
    lines = str(diary).splitlines()
    assert lines[1] == "  ... 3 earlier entries"
    assert lines[2].endswith("<- 3")
    assert len(lines) == SHOWN_ENTRIES + 2


async def test_signs_of_life_do_not_push_out_what_matters() -> None:
    clock = Clock()
    diary = Diary("/", clock)
    with clock.drive():
        diary.write(RECEIVED, "'news'")
        for _ in range(1000):
            await clock.advance(20.0)
            diary.write_sign_of_life(RECEIVED, "a ping")
            diary.write_sign_of_life(RECEIVED, "a pong")
    assert str(diary).splitlines()[1:] == [
        "      0.000 s  <- 'news'",
        "  20000.000 s  <- a ping (the last of 1,000)",
        "  20000.000 s  <- a pong (the last of 1,000)",
    ]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        ("x" * 1000, "xx..., 1,000 in all"),
        (b"x" * 1000, "xx..., 1,000 in all"),
        (["x" * 1000], "xx..."),
    ],
)
def test_a_long_message_is_cut_and_counted(data: object, end: str) -> None:
    assert show("x" * (SHOWN_CHARACTERS - 2)) == f"'{'x' * (SHOWN_CHARACTERS - 2)}'"
    shown = show(data)
    assert shown.endswith(end)
    assert len(shown) < SHOWN_CHARACTERS + 30
