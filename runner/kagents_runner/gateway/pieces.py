"""The body of one request, in the pieces in which it came.

Near the end of its context a conversation is some hundred kilobytes, and joining them takes as long as
sending them: they are looked through, signed and sent as they lie.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

_SMALL: Final = 16 * 1024
"""Bytes of a piece that is put together with the next: who sends byte by byte is not held byte by byte."""
_WINDOW: Final = 16 * 1024
"""Bytes of the beginning or the end in which nearly everything is found that is looked for."""


class Pieces:
    """Bytes that only grow, until they are dropped."""

    def __init__(self, *parts: bytes) -> None:
        """These, to begin with."""
        self._parts: list[bytes | bytearray] = []
        self.size = 0
        """Bytes of all of it."""
        for part in parts:
            self.add(part)

    def __iter__(self) -> Iterator[bytes | bytearray]:
        """The pieces in their order."""
        return iter(self._parts)

    def add(self, data: bytes) -> None:
        """The next bytes."""
        self.size += len(data)
        last = self._parts[-1] if self._parts else None
        if last is None or len(last) >= _SMALL:
            self._parts.append(data)
        elif isinstance(last, bytearray):
            last += data
        else:
            self._parts[-1] = bytearray(last + data)

    def clear(self) -> None:
        """They are not needed any more."""
        self._parts = []
        self.size = 0

    def first(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """The first place that matches; what is looked for is short."""
        if self.size > 2 * _WINDOW:
            found = pattern.search(self._beginning())
            if found is not None and found.end() < _WINDOW:  # nothing after it could make it another
                return found
        return pattern.search(self.whole())

    def after_last(self, word: bytes, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What matches right after the last ``word``."""
        for data in (self._end, self.whole) if self.size > 2 * _WINDOW else (self.whole,):
            text = data()
            at = text.rfind(word)
            if at >= 0:
                return pattern.match(text, at + len(word))
        return None

    def whole(self) -> bytes:
        """All of it in one piece."""
        return b"".join(self._parts)

    def sha256(self) -> str:
        """Its check sum, in hexadecimal digits."""
        found = hashlib.sha256()
        for part in self._parts:
            found.update(part)
        return found.hexdigest()

    def _beginning(self) -> bytes:
        found = b""
        for part in self._parts:
            found += part[: _WINDOW - len(found)]
            if len(found) == _WINDOW:
                break
        return found

    def _end(self) -> bytes:
        found = b""
        for part in reversed(self._parts):
            found = bytes(part[max(len(part) - _WINDOW + len(found), 0) :]) + found
            if len(found) == _WINDOW:
                break
        return found
