"""Who is told of everything."""

from typing import Any

import pytest

from trunkline.app.observation.observer import Observer, Observers

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("arrived", ("visit",)),
    ("refused", ("visit", "refusal")),
    ("answered", ("visit", "response")),
    ("opened", ("visit", "connection")),
    ("closed", ("visit", "connection")),
    ("left", ("visit",)),
]


def noting(name: str, seen: list[Any]) -> Any:
    def note(self: Any, *told: Any) -> None:
        seen.append((name, told))

    return note


@pytest.mark.parametrize(("name", "told"), CALLS)
def test_every_observer_is_told_in_turn(name: str, told: tuple[Any, ...]) -> None:
    seen: list[Any] = []
    kind = type("Noting", (Observer,), {name: noting(name, seen)})
    getattr(Observers([kind(), Observer(), kind()]), name)(*told)
    assert seen == [(name, told), (name, told)]


def test_observers_may_come_later() -> None:
    seen: list[Any] = []
    observers = Observers()
    observers.observers.append(type("Noting", (Observer,), {"left": noting("left", seen)})())
    visit: Any = "visit"
    observers.left(visit)
    assert seen == [("left", ("visit",))]


def test_the_names_are_all() -> None:
    assert [name for name in vars(Observer) if not name.startswith("_")] == [
        name for name, _ in CALLS
    ]


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
@pytest.mark.parametrize(("name", "told"), CALLS)
def test_the_mistake_of_one_is_logged_and_nothing_to_the_others(
    name: str, told: tuple[Any, ...], kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Any, *told: Any) -> None:
        raise kind("a mistake")

    seen: list[Any] = []
    mistaken = type("Mistaken", (Observer,), {name: fail})()
    careful = type("Noting", (Observer,), {name: noting(name, seen)})()
    getattr(Observers([mistaken, careful]), name)(*told)
    assert seen == [(name, told)]
    assert f"Mistaken.{name}() failed" in caplog.text
    assert f"{kind.__name__}: a mistake" in caplog.text
