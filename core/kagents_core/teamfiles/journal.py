"""The journal: one JSON object a line, numbered from 1 without gaps, appended by one writer (the recorder).

A write that a kill interrupted leaves at most one unfinished line; opening the journal cuts it off, and its
number is given again. Readers never see it: they take complete lines only.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import sync_directory, write_all
from kagents_core.teamfiles.lines import read_lines
from kagents_core.teamfiles.nativejson import line, timestamp

_BLOCK: Final = 64 * 1024
_LOOK_AHEAD: Final = 1024 * 1024


class JournalError(ValueError):
    """A journal that cannot be continued; one plain sentence."""


class Journal:
    """The writer. Use it as a context manager, or call ``close``."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the journal. Raises ``JournalError`` when its last entry has no number."""
        existed = path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o644)
        try:
            self._last = self._recover(path)
            if not existed:
                sync_directory(path.parent)
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def last(self) -> int:
        """The number of the last entry, 0 at first."""
        return self._last

    def append(self, entries: Iterable[Mapping[str, Any]], *, durable: bool = False) -> list[dict[str, Any]]:
        """Writes entries (``kind`` and its fields) with their numbers and the time, in one write.

        ``durable`` returns only once they are on the disk: use it before the source of an entry is removed.
        An entry's own ``at`` is kept. Returns the entries as written.
        """
        now = timestamp()
        written = [
            {"seq": number, "at": now, **entry} for number, entry in enumerate(entries, start=self._last + 1)
        ]
        if written:
            write_all(self._descriptor, b"".join(map(line, written)))
            self._last += len(written)
        if durable:
            self.sync()
        return written

    def sync(self) -> None:
        """Waits until everything appended so far is on the disk."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Closes the file; nothing more can be appended."""
        os.close(self._descriptor)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _recover(self, path: Path) -> int:
        size = os.fstat(self._descriptor).st_size
        end = self._end_of_last_line(size)
        if end < size:
            os.ftruncate(self._descriptor, end)
        if end == 0:
            return 0
        start = self._end_of_last_line(end - 1)
        number = _number(os.pread(self._descriptor, end - start, start))
        if number is None:
            raise JournalError(
                f"The last entry of {path.name} has no number; the journal cannot be continued."
            )
        return number

    def _end_of_last_line(self, size: int) -> int:
        """The offset behind the last newline of the first ``size`` bytes; 0 when there is none."""
        while size > 0:
            start = max(0, size - _BLOCK)
            found = os.pread(self._descriptor, size - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            size = start
        return 0


def _number(raw: bytes) -> int | None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    number = value.get("seq") if isinstance(value, dict) else None
    return number if isinstance(number, int) and number > 0 else None


def offset_after(path: Path, after: int) -> int:
    """The byte offset at which the entries with ``seq > after`` begin, found by bisection.

    It may point a few entries too early when lines are damaged; readers compare numbers anyway.
    """
    low, high = 0, path.stat().st_size if path.exists() else 0
    while high - low > _BLOCK:
        middle = (low + high) // 2
        start, number = _entry_from(path, middle, high)
        if number is None or number > after:
            high = middle
        else:
            low = start
    return low


def _entry_from(path: Path, position: int, high: int) -> tuple[int, int | None]:
    """The first whole numbered entry that begins behind ``position``, before ``high``."""
    found = read_lines(path, position, chunk=min(_LOOK_AHEAD, high - position))
    start = position
    for index, raw in enumerate(found.lines):
        if index > 0:
            number = _number(raw)
            if number is not None:
                return start, number
        start += len(raw) + 1
    return position, None


def read_entries(path: Path, after: int, *, offset: int | None = None) -> Iterator[tuple[bytes, int]]:
    """Entries with ``seq > after`` as (the line without its newline, the offset behind it), until the end.

    ``offset``: where an earlier call stopped; without it the place is looked up. Lines without a number
    are left out.
    """
    position = offset_after(path, after) if offset is None else offset
    while True:
        found = read_lines(path, position)
        if not found.lines:
            return
        for raw in found.lines:
            number = _number(raw)
            position += len(raw) + 1
            if number is not None and number > after:
                yield raw, position
        position = found.offset
