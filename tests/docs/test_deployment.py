"""The page about deployment: its configurations are those of real programs."""

from __future__ import annotations

import configparser
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.page import Page, serve
from tests.docs.web import get
from tests.proxies.front import find
from trunkline.cli.arguments import parse_arguments

PAGE = Page("deployment")
NGINX = """
daemon off;
error_log stderr;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {page}
}}
"""

HAPROXY = """
global
    httpclient.ssl.verify none

defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s

"""


def test_no_block_is_forgotten() -> None:
    assert PAGE.languages() == {"python": 1, "console": 2, "nginx": 1, "haproxy": 1, "ini": 1}


async def test_the_application_believes_its_proxies_and_nobody_else() -> None:
    app: Any = PAGE.run().app
    forged = {"X-Forwarded-For": "198.51.100.1"}
    async with serve(app) as server:
        near = await get(server, "/me", forged)
        far = await get(server, "/me", forged, local_addr=("127.0.0.2", 0))
    assert near.json() == {"address": "198.51.100.1"}
    assert far.json() == {"address": "127.0.0.2"}


@pytest.mark.parametrize("command", PAGE.of("console"))
def test_the_commands_are_commands(command: str) -> None:
    program, *arguments = command.split()
    assert program == "trunkline"
    assert parse_arguments(arguments)


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    nginx = find("nginx")
    if nginx is None:
        pytest.skip("nginx is not installed: run `tools/setup test`")
    page = PAGE.of("nginx")[0].replace("listen 80", "listen 127.0.0.1:8080")
    file = tmp_path / "nginx.conf"
    file.write_text(NGINX.format(folder=tmp_path, page=page))
    check = subprocess.run(
        [nginx, "-t", "-c", str(file), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr


def test_haproxy_takes_the_configuration(tmp_path: Path) -> None:
    haproxy = find("haproxy")
    if haproxy is None:
        pytest.skip("haproxy is not installed: run `tools/setup test`")
    file = tmp_path / "haproxy.cfg"
    file.write_text(HAPROXY + PAGE.of("haproxy")[0])
    check = subprocess.run(
        [haproxy, "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_the_unit_starts_a_command_that_there_is() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(PAGE.of("ini")[0])
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "trunkline"
    assert parse_arguments(arguments)
    assert unit["Service"]["Type"] == "notify"
