"""The files of pages, each answered with what keeps a page to itself."""

import re

import pytest

from trunkline.app.observation.asset import CONTENT_TYPES, ICON, THEME, Asset, read, respond

OURS = "trunkline.app.observation"


@pytest.mark.parametrize(
    "asset", [THEME, ICON, Asset(OURS, "status.html"), Asset(OURS, "words.js")]
)
def test_a_file_has_a_type_and_keeps_to_itself(asset: Asset) -> None:
    response = respond(asset, read(asset))
    assert response.status_code == 200
    assert response.body == read(asset) != b""
    kind = response.headers["Content-Type"]
    assert kind == asset.content_type == CONTENT_TYPES["." + asset.file.partition(".")[2]]
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_gaps_may_have_been_filled() -> None:
    assert respond(THEME, b"filled").body == b"filled"


def test_every_colour_of_the_light_has_one_in_the_dark() -> None:
    light, dark = re.findall(r":root \{(.*?)\}", read(THEME).decode(), re.DOTALL)
    assert set(re.findall(r"--\w+: #", light)) == set(re.findall(r"--\w+: #", dark))


def test_the_library_comes_with_its_licence() -> None:
    assert b"MIT License" in read(Asset(OURS, "uplot/LICENSE"))
