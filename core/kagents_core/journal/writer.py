"""Writes a journal: numbers entries without gaps and repairs what a crash left."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from kagents_core.journal.entries import encode
from kagents_core.journal.reader import MAX_LINE, parse

_CHUNK: Final = 64 * 1024


class JournalError(Exception):
    """The journal cannot be written or read; one plain sentence."""


class Journal:
    """The one writer of a journal file.

    Opening repairs what a crash left: a torn or unreadable last line is cut off (its sources will tell it
    again) and the numbering goes on after the last whole entry. What failed half-way is taken back.
    """

    def __init__(self, path: Path) -> None:
        """Open or create ``path``. Raises JournalError when it cannot be opened or is not a regular file."""
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"The journal {path} cannot be opened: {error.strerror}.") from error
        self._size, self.last = _repair(self._fd)
        self._unsynced = False

    def append(self, entries: Sequence[Mapping[str, Any]], *, at: str) -> bytes:
        """Number and write ``entries``; returns the lines as they stand in the file. ``at`` is their time.

        Raises JournalError when they could not be written (a full disk); file and numbering then stay.
        """
        lines = [encode({"seq": seq, "at": at, **entry}) for seq, entry in enumerate(entries, self.last + 1)]
        if any(len(line) >= MAX_LINE for line in lines):
            raise JournalError(f"An entry is larger than {MAX_LINE} bytes and is not written.")
        if not lines:
            return b""
        data = b"\n".join(lines) + b"\n"
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], self._size + written)
        except OSError as error:
            os.ftruncate(self._fd, self._size)
            raise JournalError(f"The journal cannot be written: {error.strerror}.") from error
        self._size += len(data)
        self.last += len(lines)
        self._unsynced = True
        return data

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return self._size

    def tail(self, end: int, most: int) -> bytes:
        """At most so many bytes that stand before the place ``end``."""
        start = max(0, end - most)
        return os.pread(self._fd, end - start, start)

    def sync(self) -> None:
        """Wait until everything appended is on the disk; free when nothing is new."""
        if self._unsynced:
            os.fdatasync(self._fd)
            self._unsynced = False

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _repair(fd: int) -> tuple[int, int]:
    """Cut what is not a whole entry from the end; returns (size, number of the last entry)."""
    size = os.fstat(fd).st_size
    end = size
    while end > 0:
        start = _line_start(fd, end)
        data = os.pread(fd, end - start, start)
        line = parse(data[:-1]) if data.endswith(b"\n") else None
        if line is not None:
            break
        end = start
    else:
        line = None
    if end < size:
        os.ftruncate(fd, end)
        os.fsync(fd)
    return end, 0 if line is None else line.seq


def _line_start(fd: int, end: int) -> int:
    """Where the line that ends at ``end`` (with or without its newline) starts."""
    position = end - 1
    while position > 0:
        begin = max(0, position - _CHUNK)
        index = os.pread(fd, position - begin, begin).rfind(b"\n")
        if index >= 0:
            return begin + index + 1
        position = begin
    return 0
