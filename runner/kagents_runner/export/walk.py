"""The regular files below a folder that agents may write to: no link is followed, wherever it stands."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DEEPEST: Final = 64
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Omit = Callable[[str, str], None]
"""Hears the path and the reason of what is left out."""


def files_below(root: Path, omit: Omit, *, deep: bool = True) -> Iterator[tuple[str, int]]:
    """Path below ``root`` and open descriptor of each file, in order; the descriptor is closed afterwards.

    Without ``deep`` folders in it are not entered.
    """
    try:
        top = os.open(root, _FOLDER)
    except OSError:
        return
    with _closing(top):
        yield from files_in(top, omit, deep=deep)


def files_in(folder: int, omit: Omit, *, deep: bool = True) -> Iterator[tuple[str, int]]:
    """The same below a folder that is open."""
    yield from _below(folder, "", 0 if deep else DEEPEST, omit)


def open_below(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of a file or folder, without following a link anywhere below ``root``. Raises OSError."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for index, name in enumerate(parts):
        flags = _FILE if index + 1 == len(parts) else _FOLDER
        try:
            following = os.open(name, flags, dir_fd=at)
        finally:
            os.close(at)
        at = following
    return at


def _below(folder: int, path: str, depth: int, omit: Omit) -> Iterator[tuple[str, int]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        omit(path, error.strerror or "cannot be read")
        return
    for name in names:
        where = f"{path}{name}"
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                omit(where, "a link" if stat.S_ISLNK(mode) else "not a file")
                continue
            if stat.S_ISDIR(mode) and depth >= DEEPEST:
                omit(where, f"deeper than {DEEPEST} folders")
                continue
            opened = os.open(name, _FOLDER if stat.S_ISDIR(mode) else _FILE, dir_fd=folder)
        except OSError as error:
            omit(where, error.strerror or "cannot be read")
            continue
        with _closing(opened):
            now = os.fstat(opened).st_mode  # it may have become something else meanwhile
            if stat.S_ISDIR(now):
                yield from _below(opened, f"{where}/", depth + 1, omit)
            elif stat.S_ISREG(now):
                yield where, opened


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
