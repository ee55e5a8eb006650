import pytest

from trunkline.cli.arguments import (
    ConnectArguments,
    DoctorArguments,
    ServeArguments,
    parse_arguments,
)
from trunkline.engines.choose import engine_info

CONNECT_DEFAULTS = {
    "uri": "ws://x",
    "headers": [],
    "subprotocols": [],
    "origin": None,
    "insecure": False,
    "ca": None,
    "cert": None,
    "key": None,
    "proxy": True,
    "compression": "deflate",
    "binary": False,
    "once": False,
    "timeout": None,
    "linger": 1.0,
    "verbosity": 0,
}
CLIENT_DEFAULTS = {
    name: value
    for name, value in CONNECT_DEFAULTS.items()
    if name not in ("binary", "once", "linger")
}
DOCTOR_DEFAULTS = {**CLIENT_DEFAULTS, "wait": None, "json": False}
SERVE_DEFAULTS = {
    "target": "m:h",
    "host": "127.0.0.1",
    "port": 8765,
    "unix": None,
    "cert": None,
    "key": None,
    "origins": [],
    "subprotocols": [],
    "compression": "deflate",
    "reuse_port": False,
    "uvloop": False,
    "verbosity": 0,
}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ([], {}),
        (
            ["-H", "A: b", "--header", "C:d:e "],
            {"headers": [("A", "b"), ("C", "d:e")]},
        ),
        (["--subprotocol", "a", "--subprotocol", "b"], {"subprotocols": ["a", "b"]}),
        (["--origin", "https://x"], {"origin": "https://x"}),
        (["--insecure"], {"insecure": True}),
        (["--ca", "a", "--cert", "c", "--key", "k"], {"ca": "a", "cert": "c", "key": "k"}),
        (["--proxy", "http://p"], {"proxy": "http://p"}),
        (["--no-proxy"], {"proxy": None}),
        (["--no-compression"], {"compression": None}),
        (["--binary", "--once"], {"binary": True, "once": True}),
        (["--timeout", "2.5", "--linger", "inf"], {"timeout": 2.5, "linger": float("inf")}),
        (["-v", "--verbose"], {"verbosity": 2}),
    ],
)
def test_connect_takes_an_address_and_options(
    options: list[str], fields: dict[str, object]
) -> None:
    expected = ConnectArguments(**{**CONNECT_DEFAULTS, **fields})
    assert parse_arguments(["connect", "ws://x", *options]) == expected


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ([], {}),
        (["--wait", "60", "--timeout", "5"], {"wait": 60.0, "timeout": 5.0}),
        (["--json", "--no-proxy"], {"json": True, "proxy": None}),
        (["--origin", "https://x", "-H", "A: b"], {"origin": "https://x", "headers": [("A", "b")]}),
        (["--insecure", "--cert", "c"], {"insecure": True, "cert": "c"}),
    ],
)
def test_doctor_takes_an_address_and_options(options: list[str], fields: dict[str, object]) -> None:
    expected = DoctorArguments(**{**DOCTOR_DEFAULTS, **fields})
    assert parse_arguments(["doctor", "ws://x", *options]) == expected


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ([], {}),
        (["--host", "::1", "--port", "0"], {"host": "::1", "port": 0}),
        (["--port", "1"], {"port": 1}),
        (["--host", "a"], {"host": "a"}),
        (["--unix", "/s"], {"unix": "/s", "host": None, "port": None}),
        (["--cert", "c", "--key", "k"], {"cert": "c", "key": "k"}),
        (["--origin", "https://x", "--origin", "*"], {"origins": ["https://x", "*"]}),
        (["--subprotocol", "a"], {"subprotocols": ["a"]}),
        (["--no-compression"], {"compression": None}),
        (["--reuse-port", "--uvloop", "-vv"], {"reuse_port": True, "uvloop": True, "verbosity": 2}),
        (["--fd", "3"], {"fd": 3, "host": None, "port": None}),
        (["--workers", "2", "--drain", "1.5"], {"workers": 2, "drain": 1.5}),
        (["--reload"], {"reload": True}),
    ],
)
def test_serve_takes_a_handler_and_options(options: list[str], fields: dict[str, object]) -> None:
    expected = ServeArguments(**{**SERVE_DEFAULTS, **fields})
    assert parse_arguments(["serve", "m:h", *options]) == expected


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "the following arguments are required: connect|doctor|serve (see trunkline --help)"),
        (["connect"], "the following arguments are required: URI (see trunkline connect --help)"),
        (["connect", "ws://x", "-H", "a"], "'a' has no colon; write 'Name: value'"),
        (["connect", "ws://x", "-H", "a b: c"], "'a b' is not a header name"),
        (["connect", "ws://x", "-H", "a: b\r\nc"], "value of header a has a character"),
        (["connect", "ws://x", "--timeout", "-1"], "'-1' is not a number of seconds"),
        (["connect", "ws://x", "--timeout", "nan"], "'nan' is not a number of seconds"),
        (["doctor", "ws://x", "--wait", "x"], "'x' is not a number of seconds"),
        (["doctor", "ws://x", "--once"], "unrecognized arguments: --once"),
        (["connect", "ws://x", "--linger", "x"], "'x' is not a number of seconds"),
        (["connect", "ws://x", "--proxy", "a", "--no-proxy"], "not allowed with argument --proxy"),
        (["serve", "m:h", "--port", "65536"], "'65536' is not a port, which is 0 to 65535"),
        (["serve", "m:h", "--port", "http"], "'http' is not a port"),
        (["serve", "m:h", "--port", "٣"], "'٣' is not a port"),
        (["serve", "m:h", "--unix", "/s", "--port", "1"], "--unix excludes --host and --port"),
        (["serve", "m:h", "--unix", "/s", "--host", "a"], "--unix excludes --host and --port"),
        (["serve", "m:h", "--fd", "3", "--host", "a"], "--fd excludes --unix, --host and --port"),
        (["serve", "m:h", "--fd", "3", "--unix", "/s"], "--fd excludes --unix, --host and --port"),
        (["serve", "m:h", "--workers", "two"], "'two' is not a whole number"),
    ],
)
def test_wrong_usage_is_one_line(
    argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        parse_arguments(argv)
    output = capsys.readouterr()
    assert exit.value.code == 2
    assert output.out == ""
    assert output.err.startswith("trunkline: ") and output.err.count("\n") == 1
    assert complaint in output.err


def test_the_version_names_python_and_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        parse_arguments(["--version"])
    output = capsys.readouterr()
    assert exit.value.code == 0
    assert output.out.count("\n") == 1 and output.err == ""
    for word in ("trunkline 0", "Python 3", f"engine {engine_info().engine}"):
        assert output.out.count(word) == 1


@pytest.mark.parametrize(
    ("subcommand", "words"),
    [
        ("connect", "exit codes:"),
        ("doctor", "are shown as ***"),
        ("serve", "the connections of an App to leave"),
    ],
)
def test_the_help_explains_how_to_behave(
    subcommand: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        parse_arguments([subcommand, "--help"])
    assert exit.value.code == 0
    assert words in capsys.readouterr().out
