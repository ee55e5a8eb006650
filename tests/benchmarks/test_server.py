"""Servers that are measured: started, weighed, and told apart from those that do not start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.certificate import Certificate
from benchmarks.lineup import Peer
from benchmarks.machine import choose_cores
from benchmarks.scenarios import choose
from benchmarks.server import NotStarted, anonymous_bytes, command_line, running

CORE = choose_cores().server
FILES = Certificate(Path("server.pem"), Path("authority.pem"))
PEER = Peer("a", ("serve",), can_compress=False)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_server_names_its_port_and_what_it_is() -> None:
    # It lives until it is killed, whatever its standard input is.
    program = "import signal; print('8765 a server 1.0', flush=True); signal.pause()"
    with running(python(program), CORE) as server:
        assert (server.port, server.about) == (8765, "a server 1.0")
        assert server.memory() > 0


def test_why_a_server_does_not_start_is_told_in_one_line() -> None:
    reason = r"^ModuleNotFoundError: No module named 'nobody'$"
    with pytest.raises(NotStarted, match=reason), running(python("import nobody"), CORE):
        pass


def test_a_missing_program_is_a_server_that_does_not_start() -> None:
    with pytest.raises(NotStarted, match="no-such-program"), running(["no-such-program"], CORE):
        pass


def test_memory_is_what_is_anonymous() -> None:
    assert anonymous_bytes("Rss:   9000 kB\nAnonymous:    12 kB\n") == 12 * 1024
    with pytest.raises(ValueError, match="no anonymous memory"):
        anonymous_bytes("Rss:   9000 kB\n")


def test_a_scenario_becomes_options_of_the_server() -> None:
    plain, tls, deflate = choose(["echo-64", "tls-64", "deflate-1k"])
    assert command_line(PEER, plain, FILES) == ["serve"]
    assert command_line(PEER, tls, FILES) == ["serve", "--tls", "server.pem"]
    assert PEER.can(tls) and not PEER.can(deflate)


def test_a_fanout_may_ask_for_options_of_its_own() -> None:
    plain, fanout = choose(["echo-64", "fanout-1000"])
    peer = Peer("a", ("serve",), for_fanout=("--topic",))
    assert command_line(peer, plain, FILES) == ["serve"]
    assert command_line(peer, fanout, FILES) == ["serve", "--topic"]


def test_a_server_with_limits_is_asked_for_no_more_than_they_allow() -> None:
    modest, deep = choose(["echo-64", "echo-64-d16"])
    peer = Peer("a", ("serve",), within=("echo-64",))
    assert peer.can(modest) and not peer.can(deep)
