"""Every way to put a proxy before a server; a test leaves nothing behind."""

from pathlib import Path

import pytest

from tests.interop.certificate import Certificate
from tests.proxies.front import Front, find
from tests.tidiness import tidiness

__all__ = ["tidiness"]


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """The certificate of every proxy."""
    return Certificate()


def need(program: str) -> None:
    """Skip a test whose proxy is not there."""
    if find(program) is None:
        pytest.skip(f"{program} is not installed: run `tools/setup test`")


@pytest.fixture(params=["nginx", "haproxy"])
def program(request: pytest.FixtureRequest) -> str:
    """Each proxy in turn."""
    name: str = request.param
    need(name)
    return name


@pytest.fixture(params=["by_unix_socket", "by_port"])
def is_unix(request: pytest.FixtureRequest) -> bool:
    """Each way from the proxy to the server."""
    return request.param == "by_unix_socket"


@pytest.fixture(params=["plain", "tls"])
def front(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    program: str,
    is_unix: bool,
    certificate: Certificate,
) -> Front:
    """A proxy, in the clear and with TLS."""
    return Front(program, tmp_path, certificate if request.param == "tls" else None, is_unix)


@pytest.fixture(params=["plain", "tls"])
def haproxy(
    request: pytest.FixtureRequest, tmp_path: Path, is_unix: bool, certificate: Certificate
) -> Front:
    """Only haproxy: it tells of its clients before the first byte."""
    need("haproxy")
    return Front("haproxy", tmp_path, certificate if request.param == "tls" else None, is_unix)


@pytest.fixture
def passing(tmp_path: Path, is_unix: bool) -> Front:
    """Only haproxy: it passes TLS on to the server."""
    need("haproxy")
    return Front("haproxy", tmp_path, None, is_unix, is_tcp=True)
