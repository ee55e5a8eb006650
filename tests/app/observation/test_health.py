"""Whether a process is well, and whether it takes more."""

import json

from tests.app.premises import ask_from, get, new_app, serving


async def test_health_says_that_all_is_well() -> None:
    async with serving(new_app()) as server:
        response = await ask_from(server, get("/health"))
    assert response.status_code == 200
    assert json.loads(response.body) == {"status": "ok"}
    assert response.headers["Cache-Control"] == "no-store"


async def test_health_names_what_is_not_safe() -> None:
    async with serving(new_app(origins=None)) as server:
        told = json.loads((await ask_from(server, get("/health"))).body)
    assert told["status"] == "ok"
    assert told["insecure"] == [
        "origins=None: any page may connect, with the cookies of its visitor"
    ]


async def test_ready_says_no_once_a_drain_has_begun() -> None:
    async with serving(new_app()) as server:
        before = await ask_from(server, get("/ready"))
        server.service.is_ready = False
        after = await ask_from(server, get("/ready"))
    assert (before.status_code, json.loads(before.body)) == (200, {"status": "ready"})
    assert (after.status_code, json.loads(after.body)) == (503, {"status": "draining"})


async def test_both_may_be_elsewhere_or_nowhere() -> None:
    async with serving(new_app(health="/live", ready=None)) as server:
        assert (await ask_from(server, get("/live"))).status_code == 200
        for path in ("/health", "/ready"):
            assert (await ask_from(server, get(path))).status_code == 404
