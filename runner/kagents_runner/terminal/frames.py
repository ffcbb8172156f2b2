"""What supervisor and viewer say to each other on the socket: a kind, a length, and so many bytes.

From the viewer: ``h`` hello (JSON, first of all), ``i`` what is typed, ``r`` the window's size.
From the supervisor: ``w`` welcome (JSON), ``n`` a new picture begins, ``o`` what is drawn, ``e`` the end, as
a sentence.
"""

import struct
from typing import Final

HEADER: Final = struct.Struct(">cI")
SIZE: Final = struct.Struct(">HH")
LARGEST: Final = 512 * 1024
"""Bytes of one frame; a longer one ends the connection."""

HELLO, INPUT, RESIZE = b"h", b"i", b"r"
WELCOME, NEW, OUTPUT, END = b"w", b"n", b"o", b"e"


class FrameError(Exception):
    """The other side does not speak this language."""


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(kind, len(content)) + content


class Frames:
    """Takes bytes as they come, gives whole frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The frames that are complete now. Raises ``FrameError`` for one that is too long."""
        self._data += data
        found: list[tuple[bytes, bytes]] = []
        while len(self._data) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._data)
            if length > LARGEST:
                raise FrameError(f"a frame of {length} bytes")
            end = HEADER.size + length
            if len(self._data) < end:
                break
            found.append((kind, bytes(self._data[HEADER.size : end])))
            del self._data[:end]
        return found
