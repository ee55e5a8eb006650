"""A line that is being typed: what each key does to it. No terminal in here."""

from __future__ import annotations

import re
from collections.abc import Callable

from trunkline.cli.visible import visible

# The sequences of ECMA-48 that keys send, pairs with Alt, and every other character.
KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[^\[O]|\r\n|.", re.DOTALL)
UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*|O)?\Z")
LAST_WORD = re.compile(r"\S*\s*\Z")
TAB = "\t"


class Editor:
    """One line with a cursor, and the lines before it."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        """Index in `text`."""
        self.has_ended = False
        """Whether Ctrl-D said that no more lines come."""
        self._unfinished = ""
        self._finished: list[str] = []
        self._history: list[str] = []
        self._position = 0
        self._draft = ""

    def feed(self, typed: str) -> list[str]:
        """Take what was typed, cut anywhere; give the lines that are finished by it."""
        typed = self._unfinished + typed
        unfinished = UNFINISHED.search(typed)
        self._unfinished = unfinished[0] if unfinished else ""
        for key in KEY.findall(typed.removesuffix(self._unfinished)):
            if not self.has_ended:
                self._press(key)
        finished, self._finished = self._finished, []
        return finished

    def _press(self, key: str) -> None:
        action = KEYS.get(key)
        if action is not None:
            action(self)
        elif key == TAB or visible(key) == key:
            self._replace(self.cursor, self.cursor, key)

    def _replace(self, start: int, end: int, text: str = "") -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor = start + len(text)

    # Finishing

    def finish(self) -> None:
        """End the line."""
        line = self.text
        self._replace(0, len(line))
        self._finished.append(line)
        if line and self._history[-1:] != [line]:
            self._history.append(line)
        self._position = len(self._history)

    def end_or_delete(self) -> None:
        """End the input where the line is empty, otherwise delete under the cursor."""
        self.has_ended = not self.text
        self.delete()

    # Moving

    def left(self) -> None:
        """Move back by a character."""
        self.cursor = max(0, self.cursor - 1)

    def right(self) -> None:
        """Move forward by a character."""
        self.cursor = min(len(self.text), self.cursor + 1)

    def home(self) -> None:
        """Move to the beginning."""
        self.cursor = 0

    def end(self) -> None:
        """Move to the end."""
        self.cursor = len(self.text)

    # Deleting

    def backspace(self) -> None:
        """Delete before the cursor."""
        self._replace(max(0, self.cursor - 1), self.cursor)

    def delete(self) -> None:
        """Delete under the cursor."""
        self._replace(self.cursor, self.cursor + 1)

    def delete_word(self) -> None:
        """Delete the word before the cursor."""
        match = LAST_WORD.search(self.text[: self.cursor])
        assert match is not None
        self._replace(match.start(), self.cursor)

    def delete_to_start(self) -> None:
        """Delete everything before the cursor."""
        self._replace(0, self.cursor)

    def delete_to_end(self) -> None:
        """Delete everything from the cursor on."""
        self._replace(self.cursor, len(self.text))

    # Remembering

    def earlier(self) -> None:
        """Show the line before; what was typed is kept."""
        if self._position == len(self._history):
            self._draft = self.text
        self._recall(max(0, self._position - 1))

    def later(self) -> None:
        """Show the line after, at last what was being typed."""
        self._recall(min(len(self._history), self._position + 1))

    def _recall(self, position: int) -> None:
        if position == self._position:
            return
        self._position = position
        line = (*self._history, self._draft)[position]
        self._replace(0, len(self.text), line)


KEYS: dict[str, Callable[[Editor], None]] = {
    "\r": Editor.finish,
    "\n": Editor.finish,
    "\r\n": Editor.finish,
    "\x04": Editor.end_or_delete,
    "\x7f": Editor.backspace,
    "\x08": Editor.backspace,
    "\x1b[3~": Editor.delete,
    "\x17": Editor.delete_word,
    "\x1b\x7f": Editor.delete_word,
    "\x15": Editor.delete_to_start,
    "\x0b": Editor.delete_to_end,
    "\x1b[D": Editor.left,
    "\x1bOD": Editor.left,
    "\x02": Editor.left,
    "\x1b[C": Editor.right,
    "\x1bOC": Editor.right,
    "\x06": Editor.right,
    "\x1b[H": Editor.home,
    "\x1bOH": Editor.home,
    "\x1b[1~": Editor.home,
    "\x01": Editor.home,
    "\x1b[F": Editor.end,
    "\x1bOF": Editor.end,
    "\x1b[4~": Editor.end,
    "\x05": Editor.end,
    "\x1b[A": Editor.earlier,
    "\x1bOA": Editor.earlier,
    "\x10": Editor.earlier,
    "\x1b[B": Editor.later,
    "\x1bOB": Editor.later,
    "\x0e": Editor.later,
}
