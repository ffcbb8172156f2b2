"""HTTP/1.1 messages as bytes: heads are read and written anew, bodies are followed to their end untouched.

No I/O. What two readers could understand differently is refused: a body must have one length, told once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HEAD_LIMIT: Final = 64 * 1024
END: Final = b"\r\n\r\n"
_LINE_LIMIT: Final = 4096
"""Bytes of the line before a chunk, or of the lines after the last."""
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"[^\x00\r\n]*")
_REQUEST: Final = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.1")
_ANSWER: Final = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\x00\r\n]*)?")
_NUMBER: Final = re.compile(rb"\d{1,15}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")

Field = tuple[bytes, bytes]
"""Name and value."""


class MessageError(ValueError):
    """Bytes that are no message, or one that is not clear."""


class Body:
    """A body on its way: says of the bytes that come which are its own."""

    def __init__(self, length: int | None) -> None:
        """So many bytes; None: until the connection ends."""
        self._left = length

    @property
    def done(self) -> bool:
        """Whether it is whole."""
        return self._left == 0

    @property
    def ends_with_connection(self) -> bool:
        """Whether nothing but the end of the connection ends it."""
        return self._left is None

    def take(self, data: bytes) -> int:
        """How many of the next bytes belong to it. Raises ``MessageError``."""
        if self._left is None:
            return len(data)
        taken = min(self._left, len(data))
        self._left -= taken
        return taken


class ChunkedBody(Body):
    """A body in chunks."""

    def __init__(self) -> None:
        """Its first line comes next."""
        super().__init__(-1)
        self._line = bytearray()
        self._chunk = 0
        """Bytes to come of this chunk, its line end included."""
        self._trailer = False

    def take(self, data: bytes) -> int:
        """See ``Body.take``."""
        at = 0
        while at < len(data) and not self.done:
            if self._chunk:
                step = min(self._chunk, len(data) - at)
                self._check_line_end(data[at : at + step])
                self._chunk -= step
                at += step
                continue
            end = data.find(b"\n", at)
            upto = len(data) if end < 0 else end + 1
            self._line += data[at:upto]
            at = upto
            if len(self._line) > _LINE_LIMIT:
                raise MessageError("the line of a chunk is too long")
            if end >= 0:
                self._lined()
        return at

    def _check_line_end(self, data: bytes) -> None:
        """The last two bytes of a chunk end its line."""
        for offset, expected in ((2, 13), (1, 10)):
            index = self._chunk - offset
            if 0 <= index < len(data) and data[index] != expected:
                raise MessageError("a chunk does not end as it should")

    def _lined(self) -> None:
        line = bytes(self._line)
        if not line.endswith(b"\r\n"):
            raise MessageError("a line of a chunk does not end as it should")
        self._line.clear()
        if self._trailer:
            if line == b"\r\n":
                self._left = 0
            else:
                _field(line[:-2])
            return
        found = _CHUNK.fullmatch(line[:-2])
        if found is None:
            raise MessageError("a chunk does not tell its length")
        size = int(found[1], 16)
        self._trailer = size == 0
        self._chunk = size + 2 if size else 0


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the fields of a message."""

    start: bytes
    fields: tuple[Field, ...]

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, by its name in small letters."""
        return [value for found, value in self.fields if found.lower() == name]

    def has(self, name: bytes, word: bytes) -> bool:
        """Whether a word is in the list that this field is."""
        return any(part.strip().lower() == word for value in self.values(name) for part in value.split(b","))

    def without(self, names: Iterable[bytes]) -> "Head":
        """The same without these fields, and without those that ``Connection`` names."""
        named = (part.strip().lower() for value in self.values(b"connection") for part in value.split(b","))
        gone = {*names, *named}
        return Head(self.start, tuple(field for field in self.fields if field[0].lower() not in gone))

    def bytes(self, *more: Field) -> bytes:
        """The head as it is sent, with more fields."""
        lines = (b": ".join(field) for field in (*self.fields, *more))
        return b"\r\n".join((self.start, *lines)) + END

    def _body(self, otherwise: int | None) -> Body:
        coding, length = self.values(b"transfer-encoding"), self.values(b"content-length")
        if coding:
            if length or len(coding) != 1 or coding[0].strip().lower() != b"chunked":
                raise MessageError("the length of the body is not clear")
            return ChunkedBody()
        if not length:
            return Body(otherwise)
        if len(length) != 1 or not _NUMBER.fullmatch(length[0]):
            raise MessageError("the length of the body is not clear")
        return Body(int(length[0]))


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request."""

    method: bytes
    target: bytes
    head: Head
    body: Body

    @property
    def stays(self) -> bool:
        """Whether the connection may be used again."""
        return not self.head.has(b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer."""

    status: int
    head: Head
    body: Body

    @property
    def interim(self) -> bool:
        """Another one comes after it."""
        return 100 <= self.status < 200

    @property
    def stays(self) -> bool:
        """Whether the connection may be used again."""
        old = self.head.start.startswith(b"HTTP/1.0")
        return not (old or self.body.ends_with_connection or self.head.has(b"connection", b"close"))


def request(data: bytes) -> Request:
    """Reads a head, its end included. Raises ``MessageError``."""
    head = _head(data)
    found = _REQUEST.fullmatch(head.start)
    if found is None:
        raise MessageError("this is no request of HTTP/1.1 for a path")
    if len(head.values(b"host")) != 1:
        raise MessageError("a request names one host")
    return Request(found[1], found[2], head, head._body(0))


def answer(data: bytes, method: bytes) -> Answer:
    """The same of an answer to such a request."""
    head = _head(data)
    found = _ANSWER.fullmatch(head.start)
    if found is None:
        raise MessageError("this is no answer of HTTP/1.1")
    status = int(found[1])
    if method == b"HEAD" or status < 200 or status in (204, 304):
        return Answer(status, head, Body(0))
    return Answer(status, head, head._body(None))


def _head(data: bytes) -> Head:
    if len(data) > HEAD_LIMIT or not data.endswith(END):
        raise MessageError("the head has no end")
    start, *lines = data[: -len(END)].split(b"\r\n")
    return Head(start, tuple(_field(line) for line in lines))


def _field(line: bytes) -> Field:
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise MessageError("a field of the head is none")
    return name, value
