"""Files of archives that somebody else has made, and folders filled with them: limited, without links."""

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

MOST_FILES: Final = 2_000
MOST_BYTES: Final = 32 * 1024 * 1024
"""Unpacked."""
_STREAM_BYTES: Final = 2 * MOST_BYTES
"""What a compressed archive may become with its headers."""

UNUSABLE: Final = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What reading an archive, or writing its files, can end with; encryption is a ``RuntimeError``."""

Files = Iterable[tuple[str, bytes]]
"""Paths with slashes, and contents."""


def fill(target: Path, files: Files) -> None:
    """Writes them below ``target``. Raises one of ``UNUSABLE``."""
    count = size = 0
    for name, data in files:
        count, size = count + 1, size + len(data)
        if count > MOST_FILES or size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_FILES} files or {MOST_BYTES // 2**20} MiB")
        file = target.joinpath(*safe_parts(name))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a relative path that leads nowhere else. Raises ``ValueError``."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"{name!r} leads out of the skill's folder")
    return path.parts


def files_of_tar(data: bytes, *, compressed: bool = True) -> Iterator[tuple[str, bytes]]:
    """Plain files of a tar archive; a link or device in it is an error."""
    source: io.BytesIO | _Bounded = io.BytesIO(data)
    if compressed:
        source = _Bounded(gzip.GzipFile(fileobj=io.BytesIO(data)))
    with tarfile.open(fileobj=source, mode="r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isfile() or member.size > MOST_BYTES:
                raise ValueError(f"{member.name!r} is no plain file, or too large")
            content = archive.extractfile(member)
            assert content is not None
            yield member.name.removeprefix("./"), content.read()


def files_of_zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Plain files of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if member.file_size > MOST_BYTES:
                raise ValueError(f"{member.filename!r} is too large")
            yield member.filename, archive.read(member)


class _Bounded(io.RawIOBase):
    """A stream that ends in an error when it becomes too long."""

    def __init__(self, inner: gzip.GzipFile) -> None:
        self._inner, self._left = inner, _STREAM_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it becomes more than {_STREAM_BYTES // 2**20} MiB")
        return data
