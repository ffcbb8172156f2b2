"""How events lie in the bytes of an answer: server-sent events, and the event stream of AWS.

Both readers take the bytes as they come, cut anywhere, and hold one line or message at most. What is too long
to be of interest is passed over; what is not what it should be ends the reading, never the answer.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from typing import Final

import orjson

LIMIT: Final = 256 * 1024
"""Bytes of an event: those that tell of usage have a few hundred."""
_LARGEST_MESSAGE: Final = 32 * 1024 * 1024
_PRELUDE: Final = 12
_CHECK_SUM: Final = 4
_FIXED_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of the values of headers, by kind; the other kinds, 6 and 7, tell their length."""

Event = Callable[[bytes], None]
"""Hears of one event: its JSON text."""


class ServerSentEvents:
    """The ``data`` of events, whatever they are called: the JSON in it says what it is."""

    def __init__(self, event: Event) -> None:
        """``event`` hears of each."""
        self._event = event
        self._held = bytearray()
        self._skipping = False
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if b"\n" not in data and b"\r" not in data and not self._held.endswith(b"\r"):
            self._hold(data)
            return
        lines = (bytes(self._held) + data).splitlines(keepends=True)
        self._held.clear()
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()  # a "\r" may be the half of an end
        for line in lines:
            self._line(line.rstrip(b"\r\n"))
        self._hold(rest)

    def end(self) -> None:
        """No more comes; an event that was not ended is none."""
        if self._held.endswith(b"\r"):
            self._line(bytes(self._held[:-1]))

    def _hold(self, data: bytes) -> None:
        if not self._skipping:
            self._held += data
        if len(self._held) > LIMIT and len(self._held.rstrip(b"\r")) > LIMIT:
            self._skipping = True
        if self._skipping:
            ended = data.endswith(b"\r")
            self._held.clear()
            if ended:
                self._held += b"\r"

    def _line(self, line: bytes) -> None:
        if self._skipping or len(line) > LIMIT:
            self._skipping = False
        elif not line:
            if self._data and self._size <= LIMIT:
                self._event(b"\n".join(self._data))
            self._data.clear()
            self._size = 0
        elif line.startswith(b"data:"):
            self._size += len(line)
            if self._size <= LIMIT:
                self._data.append(line[5:])


class AmazonEvents:
    """Messages of AWS's event stream: a prelude, headers, and JSON that has the event in base64."""

    def __init__(self, event: Event, failed: Callable[[], None]) -> None:
        """``event`` hears of each event, ``failed`` of the message that ends an answer before its time."""
        self._event = event
        self._failed = failed
        self._held = bytearray()
        self._skip = 0
        self._broken = False

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self._broken:
            return
        self._held += data
        while not self._broken and self._next():
            pass
        if self._broken:
            self._held.clear()

    def end(self) -> None:
        """No more comes."""

    def _next(self) -> bool:
        """Takes one message, or a part of one that is passed over; False when more must come first."""
        if self._skip:
            passed = min(self._skip, len(self._held))
            del self._held[:passed]
            self._skip -= passed
            return not self._skip
        if len(self._held) < _PRELUDE:
            return False
        total, headers, check_sum = struct.unpack_from(">III", self._held)
        smallest = headers + _PRELUDE + _CHECK_SUM
        if check_sum != zlib.crc32(self._held[:8]) or not smallest <= total <= _LARGEST_MESSAGE:
            self._broken = True
            return False
        if total > LIMIT:
            self._skip = total
            return True
        if len(self._held) < total:
            return False
        message = bytes(self._held[:total])
        del self._held[:total]
        self._message(message, headers)
        return True

    def _message(self, message: bytes, headers: int) -> None:
        body, told = message[:-_CHECK_SUM], int.from_bytes(message[-_CHECK_SUM:], "big")
        if zlib.crc32(body) != told:
            self._broken = True
            return
        start = _PRELUDE + headers
        if _headers(body[_PRELUDE:start]).get(b":message-type") != b"event":
            self._failed()
            return
        try:
            event = orjson.loads(body[start:])["bytes"]
            self._event(base64.b64decode(event, validate=True))
        except (ValueError, KeyError, TypeError, binascii.Error):
            return


def _headers(data: bytes) -> dict[bytes, bytes]:
    """The headers of a message that are text; as many as can be read."""
    found: dict[bytes, bytes] = {}
    at = 0
    try:
        while at < len(data):
            size = data[at]
            name, kind = data[at + 1 : at + 1 + size], data[at + 1 + size]
            at += size + 2
            if kind in (6, 7):
                size = int.from_bytes(data[at : at + 2], "big")
                at += 2
                found[name] = data[at : at + size]
            else:
                size = _FIXED_SIZES[kind]
            at += size
    except (IndexError, KeyError):
        pass
    return found
