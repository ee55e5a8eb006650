"""What the command tells the shell."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every subcommand."""

    OK = 0
    """The connection was closed cleanly, the server has ended as it was told."""

    ERROR = 1
    """It did not work; one line on stderr says why."""

    USAGE = 2
    """The command line cannot be meant like that."""

    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 and the number of SIGINT."""
