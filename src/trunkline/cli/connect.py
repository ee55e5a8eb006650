"""`trunkline connect`: a conversation on the command line."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from trunkline.cli.arguments import ConnectArguments
from trunkline.cli.console import Console
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure, connect_failure, in_one_line
from trunkline.cli.log import log_to
from trunkline.cli.slash_commands import COMMAND, ESCAPED_COMMAND, Commands
from trunkline.cli.tls import client_context
from trunkline.client.connect import connect
from trunkline.client.proxy import choose_proxy
from trunkline.close_codes import describe
from trunkline.connection.connection import Connection
from trunkline.errors import ConnectionClosed, ConnectionClosedOK, TrunklineError
from trunkline.limits import DEFAULT_LIMITS, Limits
from trunkline.protocol.uri import parse_uri

INSECURE = "warning: the certificate is not checked, so anybody may be at the other end"


def run_connect(arguments: ConnectArguments, console: Console) -> ExitCode:
    """Connect and talk.

    Raises:
        Failure: it does not work.
        KeyboardInterrupt: Ctrl-C; the connection has been closed.
    """
    with log_to(console.note, arguments.verbosity):
        return asyncio.run(open_and_converse(arguments, console))


async def open_and_converse(arguments: ConnectArguments, console: Console) -> ExitCode:
    """Connect, talk, close, and say how it was closed."""
    connection = await open_connection(arguments, console)
    conversation = Conversation(connection, console, arguments)
    try:
        greet(connection, console, arguments)
        await conversation.run()
    finally:
        await connection.close()
        console.note(closing_words(connection.closed()))
    return conversation.exit_code()


# Opening


async def open_connection(arguments: ConnectArguments, console: Console) -> Connection:
    """Connect; raise `Failure` where that does not work."""
    context = client_context(arguments)
    if arguments.insecure:
        console.note(INSECURE)
    try:
        return await connect(
            arguments.uri,
            origin=arguments.origin,
            subprotocols=arguments.subprotocols,
            compression=arguments.compression,
            additional_headers=arguments.headers,
            proxy=arguments.proxy,
            ssl=context,
            limits=opening_limits(arguments.timeout),
        )
    except (TrunklineError, OSError, ValueError) as error:
        raise connect_failure(error, place(arguments)) from error


def opening_limits(timeout: float | None) -> Limits:
    """Give the usual limits, with `timeout` seconds for the opening unless that is `None`."""
    return DEFAULT_LIMITS if timeout is None else Limits(open_timeout=timeout)


def place(arguments: ConnectArguments) -> str:
    """Name what could not be reached: the address without credentials, and the proxy."""
    try:
        uri = parse_uri(arguments.uri)
        proxy = choose_proxy(arguments.proxy, uri)
    except TrunklineError:
        return arguments.uri
    return f"{uri} through the proxy {proxy.host}:{proxy.port}" if proxy else str(uri)


def greet(connection: Connection, console: Console, arguments: ConnectArguments) -> None:
    """Say what was agreed on, to whoever types or asks."""
    if not (console.is_typed or arguments.verbosity):
        return
    agreed = [f"subprotocol {connection.subprotocol or 'none'}"]
    if arguments.verbosity:
        agreed += connection.extensions or ["no extensions"]
    console.note(f"connected to {place(arguments)} ({', '.join(agreed)})")
    if console.is_typed:
        console.note("type to send; /help lists the commands; Ctrl-D closes")


# Talking


class Conversation:
    """Sends the lines of the input and shows what comes, both at once.

    Args:
        connection: open.
        console: has the input, takes the output.
        arguments: say how to behave.
    """

    def __init__(
        self, connection: Connection, console: Console, arguments: ConnectArguments
    ) -> None:
        self._connection = connection
        self._console = console
        self._arguments = arguments
        self._commands = Commands(connection, console)
        self._received = 0
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Talk until either side has said goodbye.

        Raises:
            Failure: a line cannot be sent, or --once waited in vain.
        """
        sending = asyncio.create_task(self._send())
        try:
            await self._receive()
        finally:
            sending.cancel()
            await asyncio.wait({sending})
        if not sending.cancelled():
            sending.result()
        if self._arguments.once and not self._received:
            raise Failure("the connection was closed before a message arrived")

    def exit_code(self) -> ExitCode:
        """Judge how it ended: a close that was asked for here is in order, whatever its code."""
        closed = self._connection.closed()
        was_asked_for = closed.was_clean and closed.code == self._commands.close_code
        is_ok = isinstance(closed, ConnectionClosedOK) or was_asked_for
        return ExitCode.OK if is_ok else ExitCode.ERROR

    # Receiving

    async def _receive(self) -> None:
        patience = self._arguments.timeout if self._arguments.once else None
        try:
            async with asyncio.timeout(patience):
                await self._take_messages()
        except TimeoutError:
            raise Failure(f"no message arrived within {patience} s") from None

    async def _take_messages(self) -> None:
        with suppress(ConnectionClosed):
            while not (self._arguments.once and self._received):
                message = await self._connection.recv()
                self._received += 1
                self._heard.set()
                self._console.show(message)

    # Sending

    async def _send(self) -> None:
        # `_receive()` comes to the end of the connection as well, behind the last message
        try:
            with suppress(ConnectionClosed):
                await self._send_lines()
                await self._let_answer()
        finally:
            self._connection.close_soon()

    async def _send_lines(self) -> None:
        number = 0
        async with aclosing(self._console.lines()) as lines:
            async for line in lines:
                number += 1
                if self._console.is_typed:
                    await self._take_typed(line, number)
                else:
                    await self._send_line(line, number)

    async def _take_typed(self, line: bytes, number: int) -> None:
        if line.startswith(ESCAPED_COMMAND):
            await self._send_line(line.removeprefix(COMMAND), number)
        elif line.startswith(COMMAND):
            self._commands.run(line.decode(errors="replace"))
        elif line:
            await self._send_line(line, number)

    async def _send_line(self, line: bytes, number: int) -> None:
        if self._arguments.binary:
            await self._connection.send(line)
            return
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise Failure(f"line {number} is not UTF-8; --binary sends it as it is") from None
        await self._connection.send(text)

    async def _let_answer(self) -> None:
        """Wait for answers to what a program or a file has sent."""
        if self._console.is_typed:
            return
        patience = None if self._arguments.once else self._arguments.linger
        with suppress(TimeoutError):
            while True:
                self._heard.clear()
                async with asyncio.timeout(patience):
                    await self._heard.wait()


# Closing


def closing_words(closed: ConnectionClosed) -> str:
    """Say who closed a connection, and with which code and reason."""
    if not closed.was_clean:
        return str(closed)
    reason = f": {in_one_line(closed.reason)}" if closed.reason else ""
    return f"closed by {closed.closer.value} with {closed.code} ({describe(closed.code)}){reason}"
