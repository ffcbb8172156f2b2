"""Writes files into a tar.gz stream: bounded, masked where they are text of agents, and nothing but files."""

import gzip
import io
import json
import os
import stat
import tarfile
import time
from typing import IO, Any, Final

from kagents_core.secretshapes import Mask

MOST_FILES: Final = 50_000
MOST_OMITTED: Final = 1000
_PIECE: Final = 256 * 1024
_FAST: Final = 3
"""Of nine levels of compression: whoever asks waits, and the node has agents to run."""


class Archive:
    """One archive on its way. Files that have no room are left out and named."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._packed = gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=_FAST, mtime=0)
        self._tar = tarfile.TarFile(fileobj=self._packed, mode="w", format=tarfile.PAX_FORMAT)
        self._left = limit
        self.files = 0
        self.bytes = 0
        self.omitted: list[dict[str, str]] = []
        self.uncounted = 0

    def omit(self, path: str, reason: str) -> None:
        """Something is not in the archive."""
        if len(self.omitted) < MOST_OMITTED:
            shown = path.encode("utf-8", "replace").decode()
            self.omitted.append({"path": shown[:1024], "reason": reason})
        else:
            self.uncounted += 1

    def add_file(self, path: str, descriptor: int, *, mask: bool) -> None:
        """An open regular file, as long as it is now; what is written to it meanwhile is not in it."""
        state = os.fstat(descriptor)
        if not self._fits(path, state.st_size):
            return
        with open(descriptor, "rb", closefd=False) as file:
            source = _Exactly(file, state.st_size, mask=mask)
            executable = bool(state.st_mode & stat.S_IXUSR)
            self._add(path, state.st_size, state.st_mtime, source, executable=executable)

    def add_text(self, path: str, text: str, *, mask: bool = True) -> None:
        """A text that is no file."""
        data = text.encode("utf-8", "replace")
        if self._fits(path, len(data)):
            self._add(path, len(data), time.time(), _Exactly(io.BytesIO(data), len(data), mask=mask))

    def close(self, **facts: Any) -> None:
        """Adds ``export.json``, which says what is there and what is not, and ends the stream."""
        told = facts | {"files": self.files, "bytes": self.bytes, "omitted": self.omitted}
        if self.uncounted:
            told["omittedAndNotNamed"] = self.uncounted
        data = json.dumps(told, indent=1).encode()
        self._add("export.json", len(data), time.time(), io.BytesIO(data))
        self._tar.close()
        self._packed.close()

    def _fits(self, path: str, size: int) -> bool:
        if self.files >= MOST_FILES:
            self.omit(path, f"more than {MOST_FILES} files")
        elif size > self._left:
            self.omit(path, f"its {size} bytes have no room within the limit")
        else:
            return True
        return False

    def _add(self, path: str, size: int, at: float, source: Any, *, executable: bool = False) -> None:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime, entry.mode = size, int(at), 0o755 if executable else 0o644
        self._tar.addfile(entry, source)
        self._left -= size
        self.files += 1
        self.bytes += size


class _Exactly:
    """A file of a size that was promised: longer ones are cut, shorter ones filled with zero bytes."""

    def __init__(self, file: IO[bytes], size: int, *, mask: bool) -> None:
        self._file = file
        self._unread = size
        self._mask = Mask() if mask else None
        self._ready = bytearray()
        self._left = size

    def read(self, size: int) -> bytes:
        """The next bytes, as many as asked for until all that was promised has been given."""
        wanted = min(size, self._left)
        while len(self._ready) < wanted:
            data = self._file.read(min(_PIECE, self._unread))
            self._unread -= len(data)
            if data:
                self._ready += self._mask.feed(data) if self._mask else data
                continue
            self._ready += self._mask.close() if self._mask else b""
            self._ready += bytes(max(0, wanted - len(self._ready)))
        given = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        self._left -= wanted
        return given
