"""The last of what a program drew, so that who comes later sees the same picture."""

import re
from typing import Final

_MODE: Final = re.compile(rb"\x1b\[\?([0-9;]{1,64})([hl])")
_KEPT: Final = (b"1049", b"1047", b"47", b"1", b"6", b"7", b"25", b"2004")
_NORMAL: Final = frozenset((b"7", b"25"))
"""Modes that are on from the beginning."""

_BEGINNINGS: Final = (b"\x1b[3J", b"\x1b[?1049h", b"\x1b[?1049l")
"""What makes everything drawn before it of no importance."""


class Replay:
    """A ring of ``limit`` bytes that remembers the modes which the dropped bytes had set."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self._modes: dict[bytes, bool] = {}
        self._cut = False

    def add(self, data: bytes) -> None:
        """Takes in what was drawn."""
        self._data += data
        surplus = len(self._data) - self._limit
        if surplus > 0:
            # A sequence on the border counts for what it was only together with its end.
            _note(self._modes, bytes(self._data[: surplus + 64]))
            del self._data[:surplus]
            self._cut = True

    def raw(self) -> bytes:
        """The ring. Hostile to any terminal."""
        return bytes(self._data)

    def picture(self) -> bytes:
        """What draws the present picture on an empty terminal, as far as the ring knows it. Raw."""
        data = bytes(self._data)
        modes = dict(self._modes)
        start = max(data.rfind(each) for each in _BEGINNINGS)
        if start < 0:
            start = 0
            if self._cut:
                lines = re.search(rb"[\n\x1b]", data)
                start = lines.start() if lines else 0
        _note(modes, data[:start])
        preface = b"".join(
            b"\x1b[?%s%s" % (mode, b"h" if modes[mode] else b"l")
            for mode in _KEPT
            if mode in modes and modes[mode] != (mode in _NORMAL)
        )
        return preface + data[start:]


def _note(modes: dict[bytes, bool], data: bytes) -> None:
    for match in _MODE.finditer(data):
        for mode in match[1].split(b";"):
            if mode in _KEPT:
                modes[mode] = match[2] == b"h"
