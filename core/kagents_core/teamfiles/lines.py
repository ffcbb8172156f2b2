"""Reading a growing file of lines (hook events, transcripts, the journal) from where one stopped."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import open_regular

CHUNK: Final = 8 * 1024 * 1024
"""Bytes that one call reads at most, and so the longest line."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Complete lines without their newlines, and where the next call should go on."""

    lines: tuple[bytes, ...]
    offset: int
    truncated: bool = False
    """The file had become shorter than the given offset: it was read from its start."""


def read_lines(path: Path, offset: int, *, chunk: int = CHUNK) -> Lines:
    """The complete lines from byte ``offset`` on, at most ``chunk`` bytes of them.

    An unfinished last line is left for the next call, except that one longer than ``chunk`` is handed out in
    pieces. A missing file has no lines. Raises ``NotRegularError`` or ``OSError``.
    """
    try:
        descriptor = open_regular(path)
    except FileNotFoundError:
        return Lines((), 0, truncated=offset > 0)
    try:
        truncated = os.fstat(descriptor).st_size < offset
        start = 0 if truncated else offset
        data = os.pread(descriptor, chunk, start)
    finally:
        os.close(descriptor)
    end = data.rfind(b"\n") + 1
    if end == 0 and len(data) == chunk:
        return Lines((data,), start + chunk, truncated)
    return Lines(tuple(data[:end].split(b"\n")[:-1]), start + end, truncated)
