from trunkline.cli.exit_code import ExitCode


def test_exit_codes_are_what_shells_expect() -> None:
    assert [*map(int, ExitCode)] == [0, 1, 2, 130]
