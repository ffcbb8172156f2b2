"""Reads a journal from a sequence number on, also while it is being written. Nothing here waits."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

MAX_LINE: Final = 4 * 1024 * 1024
"""Bytes of one line; a longer entry is refused when written and ends the search when read."""
_HIGHEST: Final = 2**53
"""Numbers of entries; behind a higher one no more could be written."""
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal: its number, its kind, and the bytes without the line end."""

    seq: int
    kind: str
    data: bytes

    def entry(self) -> dict[str, Any]:
        """The entry itself, parsed again: lines stay bytes, so that a tail prints what stands in the file."""
        parsed: dict[str, Any] = orjson.loads(self.data)
        return parsed


class JournalReader:
    """Reads a journal while it is being written. A last line without its end waits for the next read."""

    def __init__(self, path: Path, *, after: int = 0) -> None:
        """Entries with ``seq > after`` are read. The file need not exist yet."""
        self._path = path
        self._fd: int | None = None
        self._offset = 0
        self.last = after

    def read(self) -> Iterator[Line]:
        """Every whole line that has not been read; memory is bounded by the longest line, not by the file."""
        return (_line(data, parsed) for data, parsed in self._read())

    def entries(self) -> Iterator[dict[str, Any]]:
        """The same, as entries: each line is parsed once."""
        return (parsed for _, parsed in self._read())

    def _read(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        if self._fd is None:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return
            self._offset = _seek(self._fd, self.last)
        if os.fstat(self._fd).st_size < self._offset:
            self._offset = _seek(self._fd, self.last)  # a repair cut lines that had not reached the disk
        for start, data in _lines(self._fd, self._offset):
            self._offset = start + len(data) + 1
            parsed = _entry(data)
            if parsed is not None and parsed["seq"] > self.last:
                self.last = parsed["seq"]
                yield data, parsed

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def entries(path: Path, *, after: int = 0) -> Iterator[dict[str, Any]]:
    """The entries of a journal with ``seq > after``, read one by one; nothing when the file is not there."""
    reader = JournalReader(path, after=after)
    try:
        yield from reader.entries()
    finally:
        reader.close()


def parse(data: bytes) -> Line | None:
    parsed = _entry(data)
    return None if parsed is None else _line(data, parsed)


def _line(data: bytes, parsed: dict[str, Any]) -> Line:
    return Line(parsed["seq"], str(parsed.get("kind", "")), data)


def _entry(data: bytes) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    seq = parsed.get("seq") if isinstance(parsed, dict) else None
    return parsed if type(seq) is int and 0 < seq <= _HIGHEST else None


def _lines(fd: int, offset: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines from ``offset``, each with the place where it starts."""
    pending = b""
    while chunk := os.pread(fd, _CHUNK, offset + len(pending)):
        pending += chunk
        *whole, pending = pending.split(b"\n")
        for data in whole:
            yield offset, data
            offset += len(data) + 1
        if len(pending) > MAX_LINE:
            return


def _seek(fd: int, after: int) -> int:
    """The start of the first line with ``seq > after``, found by halving."""
    low, high = 0, os.fstat(fd).st_size
    while high - low > _CHUNK:
        middle = (low + high) // 2
        found = _first_numbered(fd, middle, high)
        if found is None or found[1] > after:
            high = middle
        else:
            low = found[0]
    for start, data in _lines(fd, low):
        line = parse(data)
        if line is not None and line.seq > after:
            return start
        low = start + len(data) + 1
    return low


def _first_numbered(fd: int, offset: int, end: int) -> tuple[int, int] | None:
    """Start and number of the first readable line that starts after ``offset`` and before ``end``."""
    lines = _lines(fd, offset)
    next(lines, None)  # the rest of the line that ``offset`` fell into
    for start, data in lines:
        if start >= end:
            return None
        line = parse(data)
        if line is not None:
            return start, line.seq
    return None
