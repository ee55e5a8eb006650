"""What must not be shown: whoever asks for help shows the whole report to strangers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from trunkline.client.proxy import basic_credentials

HIDDEN = "***"
SMALLEST_SECRET = 4
"""Characters: to hide a shorter word wherever it stands would hide everything else, too."""

SECRET_NAME = (
    r"(?:token|secret|passw|pwd|auth|key|sig|session|ticket|jwt|code|cred|cookie|bearer|\bsid\b)"
)
IS_SECRET_NAME = re.compile(SECRET_NAME, re.IGNORECASE)
# Not as far as a slash only: a password may hold what ends the host of an address.
USERINFO = re.compile(r"//[^/\s]*@")
PARAMETER = re.compile(rf"([?&;#][^=&;#\s]*{SECRET_NAME}[^=&;#\s]*=)[^&;#\s\"']+", re.IGNORECASE)
# RFC 7519 §3: a token is three parts in base64url, and the first one is a JSON object
JSON_WEB_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


class Secrets:
    """Hides secrets in texts: by their form, and those that it has learnt by their words."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def learn(self, words: Iterable[str | None]) -> None:
        """Hide these words from now on."""
        self._words |= {word for word in words if word and len(word) >= SMALLEST_SECRET}

    def hide(self, text: str) -> str:
        """Give a text with *** in place of every secret."""
        # A word may be a part of another one.
        for word in sorted(self._words, key=len, reverse=True):
            text = text.replace(word, HIDDEN)
        text = USERINFO.sub(f"//{HIDDEN}@", text)
        text = PARAMETER.sub(rf"\g<1>{HIDDEN}", text)
        return JSON_WEB_TOKEN.sub(HIDDEN, text)


def header_secrets(headers: Sequence[tuple[str, str]]) -> set[str]:
    """Give the words in the user's headers that a server might repeat and nobody may see."""
    values = [value for name, value in headers if IS_SECRET_NAME.search(name)]
    words = {word.strip(",;") for value in values for word in value.split()}
    # A cookie is a name and a secret.
    return words | {word.partition("=")[2] for word in words} | set(values)


def user_secrets(username: str | None, password: str | None) -> set[str | None]:
    """Give a password, and what it becomes on the wire."""
    if username is None:
        return set()
    return {password, basic_credentials(username, password or "").partition(" ")[2]}


def query_secrets(query: str) -> set[str]:
    """Give the values of the query's parameters whose name speaks of a secret."""
    pairs = (parameter.partition("=") for parameter in query.split("&"))
    return {value for name, _, value in pairs if IS_SECRET_NAME.search(name)}
