"""Files of a folder, and nothing outside it."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.app.premises import ask_from, get, new_app, serving
from trunkline import Response
from trunkline.app.routing import static
from trunkline.app.routing.static import static_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a site beside what is nobody's business."""
    site = tmp_path / "site"
    (site / "docs").mkdir(parents=True)
    (site / "empty").mkdir()
    (site / ".well-known").mkdir()
    for name, text in {
        "index.html": "<p>home",
        "docs/index.html": "<p>docs",
        "app.js": "1",
        "é.txt": "é",
        "data.bin": "\0",
        ".env": "SECRET",
        ".well-known/a": "known",
    }.items():
        (site / name).write_text(text)
    (tmp_path / "secret.txt").write_text("SECRET")
    (site / "link.txt").symlink_to(site / "app.js")
    (site / "out.txt").symlink_to(tmp_path / "secret.txt")
    (site / "up").symlink_to(tmp_path)
    (site / "circle").symlink_to(site / "circle")
    os.mkfifo(site / "pipe")
    return site


OWN = {"content-security-policy": "default-src 'self'", "Cache-control": "max-age=60"}


async def fetch(
    folder: Path, path: str, at: str = "/", own: dict[str, str] | None = None, **headers: str
) -> Response:
    app = new_app()
    app.static(at, folder, headers=own)
    async with serving(app) as server:
        return await ask_from(server, get(path, **headers))


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<p>home"),
        ("/index.html", "text/html; charset=utf-8", b"<p>home"),
        ("/docs/", "text/html; charset=utf-8", b"<p>docs"),
        ("//docs/", "text/html; charset=utf-8", b"<p>docs"),
        ("/app.js", None, b"1"),
        ("/link.txt", None, b"1"),
        ("/%C3%A9.txt", "text/plain; charset=utf-8", "é".encode()),
        ("/data.bin", "application/octet-stream", b"\0"),
        ("/.well-known/a", "application/octet-stream", b"known"),
        ("/app.js?version=2", None, b"1"),
    ],
)
async def test_a_file_is_served(folder: Path, path: str, kind: str | None, body: bytes) -> None:
    response = await fetch(folder, path)
    assert (response.status_code, response.body) == (200, body)
    assert kind in (None, response.headers["Content-Type"])
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"


OUTSIDE = [
    "/../secret.txt",
    "/docs/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "/..%5Csecret.txt",
    "/docs%5c..%5capp.js",
    "/%252e%252e/secret.txt",
    "/%2fetc/passwd",
    "//etc/passwd",
    "/%2fproc/self/environ",
    "/up/secret.txt",
    "/out.txt",
    "/app.js%00.html",
    "/%00",
    "/C:%5cWindows%5cwin.ini",
    "/C:/Windows/win.ini",
    "/docs/./index.html",
    "/.env",
    "/docs/.hidden",
    "/circle",
    "/pipe",
    "/empty",
    "/nothing",
    "/app.js/",
    "/app.js/more",
    "/" + "x" * 300,
    "/" + "x/" * 3_000,
]


@pytest.mark.parametrize("path", OUTSIDE, ids=[path[:30] for path in OUTSIDE])
async def test_what_is_not_there_or_outside_is_not_found(folder: Path, path: str) -> None:
    response = await fetch(folder, path)
    assert (response.status_code, response.body) == (404, b"there is no such file\n")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/site/docs", "/site/docs/"),
        ("/site/docs?a=/b/&c=%2F", "/site/docs/?a=/b/&c=%2F"),
        ("/site/doc%73", "/site/doc%73/"),
        ("/site/a:b", "/site/a:b/"),
    ],
)
async def test_a_browser_is_sent_to_the_slash_of_a_folder(
    folder: Path, path: str, place: str
) -> None:
    (folder / "a:b").mkdir()
    (folder / "a:b/index.html").write_text("<p>colon")
    response = await fetch(folder, path, "/site", OWN)
    assert (response.status_code, response.body) == (308, b"")
    assert urljoin(f"http://trunkline.test{path}", response.headers["Location"]) == (
        f"http://trunkline.test{place}"
    )
    assert response.headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("path", ["//docs", "//docs?next=//docs", "///docs"])
async def test_nobody_is_sent_to_another_host(folder: Path, path: str) -> None:
    response = await fetch(folder, path)
    assert response.status_code == 308
    assert response.headers["Location"].startswith("./docs/")


async def test_a_folder_without_an_index_is_no_way_to_anywhere(folder: Path) -> None:
    assert (await fetch(folder, "/empty")).status_code == 404


async def test_a_folder_may_be_below_a_path(folder: Path) -> None:
    assert (await fetch(folder, "/a/b/app.js", at="/a/b")).body == b"1"
    assert (await fetch(folder, "/a/b/", at="/a/b/")).body == b"<p>home"
    assert (await fetch(folder, "/app.js", at="/a")).status_code == 404


async def test_a_file_that_cannot_be_read_is_not_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path) -> bytes:
        raise PermissionError(file)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert (await fetch(folder, "/app.js")).status_code == 404


async def test_a_file_that_is_too_large_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "LARGEST_FILE", 2)
    assert (await fetch(folder, "/app.js")).status_code == 200
    response = await fetch(folder, "/index.html")
    assert (response.status_code, response.body) == (500, b"the file is 7 bytes, limit 2\n")


async def test_what_a_client_has_is_not_sent_again(folder: Path) -> None:
    etag = (await fetch(folder, "/app.js")).headers["ETag"]
    for known in (etag, f'"x", W/{etag}'):
        response = await fetch(folder, "/app.js", If_None_Match=known)
        assert (response.status_code, response.body) == (304, b"")
        assert response.headers["ETag"] == etag
    assert (await fetch(folder, "/app.js", If_None_Match='"x"')).status_code == 200
    (folder / "app.js").write_text("22")
    assert (await fetch(folder, "/app.js", If_None_Match=etag)).body == b"22"


async def test_only_get_and_head_are_answered(folder: Path) -> None:
    app = new_app()
    app.static("/", folder)
    async with serving(app) as server:
        head = await ask_from(server, get("/app.js", "HEAD"))
        put = await ask_from(server, get("/app.js", "PUT", b"2"))
    assert (head.status_code, head.headers["Content-Length"], head.body) == (200, "1", b"")
    assert (put.status_code, put.headers["Allow"]) == (405, "GET, HEAD")
    assert (folder / "app.js").read_text() == "1"


async def test_headers_are_sent_with_every_file_and_instead_of_ours(folder: Path) -> None:
    for path in ("/", "/app.js", "/docs/"):
        sent = (await fetch(folder, path, own=OWN)).headers
        assert sent.get_all("Content-Security-Policy") == ["default-src 'self'"]
        assert sent.get_all("Cache-Control") == ["max-age=60"]
        assert sent.get_all("X-Content-Type-Options") == ["nosniff"]
        known = (await fetch(folder, path, own=OWN, If_None_Match=sent["ETag"])).headers
        assert known.get_all("Cache-Control") == ["max-age=60"]
        assert "Content-Security-Policy" not in (await fetch(folder, path)).headers


@pytest.mark.parametrize(
    ("own", "error", "problem"),
    [
        ({"Bad Name": "x"}, ValueError, "'Bad Name' is not a header name"),
        ({"X-Split": "a\r\nX-More: b"}, ValueError, "value of header X-Split has a character"),
        ({"X-Far": "\u20ac"}, ValueError, "value of header X-Far has a character"),
        ({"X-Number": 1}, TypeError, "header names and values are strings"),
        ({1: "x"}, TypeError, "header names and values are strings"),
        ({"content-LENGTH": "3"}, ValueError, "content-LENGTH is set by the answer itself"),
        ({"Connection": "keep-alive"}, ValueError, "Connection is set by the answer itself"),
        ({"Transfer-Encoding": "chunked"}, ValueError, "leave it out of headers"),
        ({"X-Good": "x", "ETag": '"1"'}, ValueError, "ETag is set by the answer itself"),
    ],
)
def test_headers_are_looked_at_once(
    folder: Path, own: Any, error: type[Exception], problem: str
) -> None:
    app = new_app()
    with pytest.raises(error, match=problem):
        app.static("/", folder, headers=own)
    assert len(list(app.routes)) == len(list(new_app().routes))


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_must_be_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is not a folder"):
        static_files(tmp_path / name)


def test_the_root_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    root: Any = static.resolved(tmp_path / "current")
    assert static.find(root, "app.js").read_text() == "1"
