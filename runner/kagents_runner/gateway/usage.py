"""Reads an answer's usage out of its bytes as they pass, unpacked where the provider has packed them.

It never changes a byte, never holds more than a bounded part, and never fails: an answer that cannot be read
is passed on all the same, and tells nothing.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from kagents_runner.gateway.framing import AmazonEvents, ServerSentEvents
from kagents_runner.gateway.tokens import Counts, Tally

BODY_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of an answer that is no stream: what it used is only known at its end."""
STREAM: Final = "text/event-stream"
AMAZON_STREAM: Final = "application/vnd.amazon.eventstream"
STREAMS: Final = (STREAM, AMAZON_STREAM)
_STEP: Final = 64 * 1024


class Usage:
    """The usage of one answer."""

    def __init__(self, content_type: str, content_encoding: str) -> None:
        """The answer's headers of these names."""
        self._tally = Tally()
        kind = content_type.partition(";")[0].strip().lower()
        self._reader: ServerSentEvents | AmazonEvents | _Body
        if kind == STREAM:
            self._reader = ServerSentEvents(self._tally.event)
        elif kind == AMAZON_STREAM:
            self._reader = AmazonEvents(self._tally.event, self._fail)
        else:
            self._reader = _Body(self._tally.whole)
        self._unpacked = _unpacking(content_encoding)

    def feed(self, data: bytes) -> None:
        """The next bytes of the answer."""
        for plain in self._unpacked(data):
            self._reader.feed(plain)

    def end(self) -> None:
        """The answer's bytes are all there."""
        self._reader.end()

    def counts(self, model: str) -> Counts | None:
        """What it has told so far; ``model`` is the one that was asked for."""
        return self._tally.counts(model)

    @property
    def response_id(self) -> str:
        """The message's id, or nothing."""
        return self._tally.response_id

    @property
    def ended(self) -> bool:
        """Whether it has told that it is whole."""
        return self._tally.ended

    @property
    def failed(self) -> bool:
        """Whether it has told that it broke off."""
        return self._tally.failed

    def _fail(self) -> None:
        self._tally.failed = True


class _Body:
    """Holds a body until its end."""

    def __init__(self, whole: Callable[[bytes], None]) -> None:
        self._whole = whole
        self._held = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> None:
        self._too_long = self._too_long or len(self._held) + len(data) > BODY_LIMIT
        if self._too_long:
            self._held.clear()
        else:
            self._held += data

    def end(self) -> None:
        if self._held:
            self._whole(bytes(self._held))
        self._held.clear()


def _unpacking(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _as_it_is
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Unpacker().feed
    return _nothing


def _as_it_is(data: bytes) -> Iterator[bytes]:
    yield data


def _nothing(_: bytes) -> Iterator[bytes]:
    """We did not ask for this packing, and cannot read it."""
    yield from ()


class _Unpacker:
    """Unpacks in small steps: however well it is packed, no more than a step is held."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=47)  # of either form
        self._broken = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._broken:
            try:
                plain = self._unpacker.decompress(data, _STEP)
            except zlib.error:
                self._broken = True
                return
            yield plain
            data = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                data = self._unpacker.unused_data
                self._unpacker = zlib.decompressobj(wbits=47)
