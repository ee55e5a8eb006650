"""What begins before serving, and ends after it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.app.premises import new_app, serving, uri_of
from trunkline import ConnectionClosed, connect
from trunkline.app.app import App
from trunkline.app.running.lifespan import Lifecycle


class Story:
    """Writes down what happens, in its order."""

    def __init__(self, fails: str = "") -> None:
        self.lines: list[str] = []
        self._fails = fails

    def tell(self, line: str) -> None:
        self.lines.append(line)
        if line == self._fails:
            raise RuntimeError(f"{line} is broken")

    @asynccontextmanager
    async def lifespan(self, app: App) -> AsyncIterator[None]:
        self.tell("lifespan begins")
        try:
            yield
        finally:
            self.tell("lifespan ends")

    def hook(self, line: str) -> Any:
        def plain() -> None:
            self.tell(line)

        async def later() -> None:
            self.tell(line)

        return later if "later" in line else plain

    def app(self) -> App:
        app = new_app(lifespan=self.lifespan)
        for line in ("start", "start later"):
            app.on_start(self.hook(line))
        for line in ("stop", "stop later"):
            app.on_stop(self.hook(line))
        return app


WHOLE = ["lifespan begins", "start", "start later", "stop later", "stop", "lifespan ends"]


async def test_what_begins_first_ends_last() -> None:
    story = Story()
    async with serving(story.app()):
        assert story.lines == WHOLE[:3]
    assert story.lines == WHOLE


async def test_everybody_has_left_before_the_end() -> None:
    story = Story()
    app = story.app()

    @app.websocket("/")
    async def wait(ws: Any) -> None:
        try:
            await ws.recv()
        except ConnectionClosed:
            story.tell("handler ends")

    server = await serving(app)
    async with connect(uri_of(server)):
        await server.drain()
    assert story.lines == [*WHOLE[:3], "handler ends", *WHOLE[3:]]


@pytest.mark.parametrize(
    ("fails", "lines", "name"),
    [
        ("lifespan begins", ["lifespan begins"], "Story.lifespan"),
        ("start", ["lifespan begins", "start", *WHOLE[3:]], "Story.hook.<locals>.plain"),
        ("start later", WHOLE, "Story.hook.<locals>.later"),
    ],
)
async def test_what_fails_at_the_start_ends_what_was_begun(
    fails: str, lines: list[str], name: str
) -> None:
    story = Story(fails)
    with pytest.raises(RuntimeError, match=f"{fails} is broken") as caught:
        await serving(story.app())
    assert story.lines == lines
    assert caught.value.__notes__ == [f"the application has not started: {name}() failed"]


async def test_where_the_address_is_taken_nothing_is_begun() -> None:
    story = Story()
    async with serving(new_app()) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await story.app().serve("127.0.0.1", port)
    assert story.lines == []


def test_a_lifespan_that_is_no_context_manager_is_an_error_at_once() -> None:
    async def generator(app: App) -> AsyncIterator[None]:
        yield

    async def coroutine(app: App) -> None: ...

    for lifespan in (generator, coroutine):
        with pytest.raises(TypeError, match=r"needs the decorator contextlib\.asynccontext"):
            App(lifespan=lifespan)  # type: ignore[arg-type]


def test_a_lifespan_that_is_no_function_is_an_error_at_once() -> None:
    lifespan: Any = AsyncExitStack()
    with pytest.raises(TypeError, match=r"^lifespan is a function of the application, not <"):
        Lifecycle(lifespan)


async def test_an_application_needs_none_of_it() -> None:
    app = new_app()
    stack = await Lifecycle(None).start(app)
    await stack.aclose()


def needs_the_app(app: App) -> None: ...


async def around() -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("name", ["on_start", "on_stop"])
@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        (3, "takes a function, not 3"),
        (
            needs_the_app,
            "calls needs_the_app() without arguments: missing a required argument",
        ),
        (around, "takes a function, and around() is a generator: what goes around all of serving"),
    ],
)
def test_a_hook_that_cannot_be_called_is_an_error_at_once(
    name: str, hook: Any, problem: str
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(new_app(), name)(hook)
    assert str(caught.value).startswith(f"{name} {problem}")


def test_a_function_that_does_not_say_what_it_takes_may_be_a_hook() -> None:
    app = new_app()
    assert app.on_start(int) is int
    assert app.on_stop(dict) is dict
