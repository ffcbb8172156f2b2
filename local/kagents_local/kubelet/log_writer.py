"""The log file of one container's run: lines with their time and stream, as container runtimes write them.

A line is ``<RFC 3339 with nanoseconds> stdout|stderr F|P <text>``; ``P`` marks a part of a line that was too
long to wait for. Standard library only: the keeper of processes imports it.
"""

import os
import time
from pathlib import Path
from typing import Final

LINE_LIMIT: Final = 16 * 1024
"""Longest part of a line kept back while its end is awaited, bytes."""


class LogWriter:
    """Appends to ``path`` and puts it aside as ``path.1``, ``path.2`` … once it is full.

    A disk that cannot take more costs the lines, never the process that prints them.
    """

    def __init__(self, path: Path, *, file_bytes: int, files: int) -> None:
        self._path = path
        self._limit = file_bytes
        self._files = max(files, 1)
        self._partial = {"stdout": b"", "stderr": b""}
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Take output of ``stdout`` or ``stderr`` as it comes; an unfinished line waits for its end."""
        stamp = _now()
        lines = (self._partial[stream] + data).split(b"\n")
        rest = lines.pop()
        entries = [entry for line in lines for entry in _entries(stamp, stream, line, finished=True)]
        if len(rest) >= LINE_LIMIT:
            whole = len(rest) - len(rest) % LINE_LIMIT
            entries += _entries(stamp, stream, rest[:whole], finished=False)
            rest = rest[whole:]
        self._partial[stream] = rest
        if entries:
            self._append(entries)

    def close(self) -> None:
        """Write what is left of unfinished lines and close the file."""
        stamp = _now()
        for stream, rest in self._partial.items():
            if rest:
                self._append(_entries(stamp, stream, rest, finished=True))
        os.close(self._descriptor)

    def _append(self, entries: list[bytes]) -> None:
        waiting: list[bytes] = []
        length = 0
        try:
            for entry in entries:
                if self._size + length + len(entry) > self._limit and self._size + length:
                    self._flush(waiting)
                    self._rotate()
                    waiting, length = [], 0
                waiting.append(entry)
                length += len(entry)
            self._flush(waiting)
        except OSError:
            return

    def _flush(self, entries: list[bytes]) -> None:
        view = memoryview(b"".join(entries))
        while view:
            written = os.write(self._descriptor, view)
            self._size += written
            view = view[written:]

    def _rotate(self) -> None:
        for index in range(self._files - 1, 0, -1):
            older = self._numbered(index)
            newer = self._numbered(index - 1)
            if newer.exists():
                newer.replace(older)
        os.close(self._descriptor)
        if self._files == 1:
            self._path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, index: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{index}") if index else self._path


def _entries(stamp: bytes, stream: str, line: bytes, *, finished: bool) -> list[bytes]:
    head = stamp + b" " + stream.encode() + b" "
    parts = [line[start : start + LINE_LIMIT] for start in range(0, len(line), LINE_LIMIT)] or [b""]
    tags = [b"P"] * (len(parts) - 1) + [b"F" if finished else b"P"]
    return [head + tag + b" " + part + b"\n" for tag, part in zip(tags, parts, strict=True)]


def _now() -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode() + b".%09dZ" % nanoseconds
