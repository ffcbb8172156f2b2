"""Reads what a container printed, from the files that the keeper writes (format: ``log_writer``)."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import BinaryIO, Final

from kagents_local.pod_access import LogQuery

POLL_SECONDS: Final = 0.1
"""How often a followed file is looked at."""

BLOCK: Final = 64 * 1024


async def read_log(path: Path, query: LogQuery, ended: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The log of one run in chunks of whole lines, older files first; with ``follow`` until ``ended()``.

    ``path`` is the current file; ``path.1`` and up hold older lines. A file that does not exist yet is empty.
    """
    shape = _Shape(query)
    files = _Files(path)
    try:
        files.open_oldest(query.tail_lines)
        async for lines in _lines(files, ended if query.follow else lambda: True):
            chunk = b"".join(shape.line(line) for line in lines)
            if chunk:
                yield chunk
            if shape.full:
                return
    finally:
        files.close()


async def _lines(files: "_Files", ended: Callable[[], bool]) -> AsyncIterator[list[bytes]]:
    rest = b""
    while True:
        # Asked first: what was written before the end is then read below.
        last_look = ended()
        while data := files.read():
            *lines, rest = (rest + data).split(b"\n")
            yield lines
            await asyncio.sleep(0)
        if last_look:
            return
        await asyncio.sleep(POLL_SECONDS)


class _Shape:
    """Turns stored lines into what the caller asked for, and counts bytes."""

    def __init__(self, query: LogQuery) -> None:
        self._timestamps = query.timestamps
        since = query.since.astimezone(UTC) if query.since else None
        self._since = since.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode() if since else b""
        self._left = query.limit_bytes
        self._inside_line = False
        self.full = False

    def line(self, stored: bytes) -> bytes:
        stamp, _, rest = stored.partition(b" ")
        _, _, rest = rest.partition(b" ")
        tag, _, text = rest.partition(b" ")
        if stamp < self._since or self.full:
            return b""
        head = stamp + b" " if self._timestamps and not self._inside_line else b""
        self._inside_line = tag == b"P"
        return self._limited(head + text + (b"" if self._inside_line else b"\n"))

    def _limited(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        data = data[: self._left]
        self._left -= len(data)
        self.full = self._left <= 0
        return data


class _Files:
    """The files of one run as one stream, although they are renamed while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def open_oldest(self, tail_lines: int | None) -> None:
        """Begin at the oldest line, or ``tail_lines`` lines before the end."""
        wanted = tail_lines
        chosen: tuple[Path, int] | None = None
        for path in self._newest_first():
            start, found = (0, 0) if wanted is None else _tail(path, wanted)
            chosen = (path, start)
            if wanted is not None:
                wanted -= found
                if wanted <= 0:
                    break
        if chosen is not None:
            self._open(chosen[0])
            if self._file is not None:
                self._file.seek(chosen[1])

    def read(self) -> bytes:
        """The next bytes; empty at the present end."""
        while True:
            if self._file is None:
                self._open(self._path)
                if self._file is None:
                    return b""
            if data := self._file.read(BLOCK):
                return data
            newer = self._newer()
            if newer is None:
                return b""
            # The file was put aside between the last read and now: its last lines come first.
            if data := self._file.read(BLOCK):
                return data
            self._open(newer)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, path: Path) -> None:
        self.close()
        try:
            self._file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0)
        except FileNotFoundError:
            self._file = None

    def _newer(self) -> Path | None:
        """The file that follows the open one; None when that is the current one."""
        if self._file is None:
            return None
        mine = os.fstat(self._file.fileno()).st_ino
        newer: Path | None = None
        for path in self._newest_first():
            try:
                if path.stat().st_ino == mine:
                    return newer
            except FileNotFoundError:
                continue
            newer = path
        # It was removed for its age: go on with the oldest that is left.
        return newer

    def _newest_first(self) -> Iterator[Path]:
        path, index = self._path, 0
        while path.exists():
            yield path
            index += 1
            path = self._path.with_name(f"{self._path.name}.{index}")


def _tail(path: Path, lines: int) -> tuple[int, int]:
    """Where the last ``lines`` lines of a file begin, and how many there are from there."""
    if lines <= 0:
        return path.stat().st_size, 0
    with path.open("rb") as file:
        position = end = file.seek(0, os.SEEK_END)
        found = 0
        while position > 0:
            start = max(0, position - BLOCK)
            file.seek(start)
            block = file.read(position - start)
            cut = len(block) if position < end else len(block) - 1
            while (cut := block.rfind(b"\n", 0, cut)) >= 0:
                found += 1
                if found == lines:
                    return start + cut + 1, found
            position = start
    return 0, found + (1 if end else 0)
