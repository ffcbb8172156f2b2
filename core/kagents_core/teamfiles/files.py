"""Reading files that others write: bounded, and never through a symlink; replacing files atomically."""

import errno
import os
import secrets
import stat
from pathlib import Path


class TooLargeError(OSError):
    """The file holds more bytes than its reader accepts."""


class NotRegularError(OSError):
    """The path is a symlink, a directory, a pipe or a device where a plain file belongs."""


def open_regular(path: Path) -> int:
    """A descriptor for reading a plain file. Raises ``NotRegularError`` or another ``OSError``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotRegularError(error.errno, "not a plain file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError(errno.EINVAL, "not a plain file", str(path))
    return descriptor


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most ``limit`` bytes.

    Raises ``FileNotFoundError``, ``TooLargeError``, ``NotRegularError`` or another ``OSError``.
    """
    descriptor = open_regular(path)
    with open(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLargeError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return data


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Writes everything, whatever a single ``write`` takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, *data: bytes | memoryview, mode: int = 0o644, durable: bool = False) -> None:
    """Puts ``data`` at ``path`` in one step (new file, ``rename``); ``durable`` waits for the disk."""
    temporary = path.with_name(f"{path.name}.tmp.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        try:
            os.fchmod(descriptor, mode)
            for piece in data:
                write_all(descriptor, piece)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Waits until the directory's entries are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
