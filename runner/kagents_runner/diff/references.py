"""Commits that a clone names, read as files: its configuration, which agents write, has no say."""

import re
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.termination import RunnerError

_COMMIT: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME: Final = re.compile(r"(?:HEAD|refs/[A-Za-z0-9._/@+=%,#-]{1,400})")
_MOST_HOPS: Final = 5
_PACKED_BYTES: Final = 32 * 1024 * 1024


def commit_of(name: str, *directories: Path) -> str | None:
    """The object that a reference names: looked up in each git directory in turn, then among packed ones.

    None when there is no such reference, or none that can be read safely.
    """
    for _ in range(_MOST_HOPS):
        if not _NAME.fullmatch(name) or ".." in name:
            return None
        found = next((text for each in directories if (text := _read(each / name, 4096)) is not None), None)
        if found is None:
            return _packed(name, directories[-1])
        if not found.startswith(b"ref:"):
            return found.decode() if _COMMIT.fullmatch(found) else None
        name = found[4:].strip().decode(errors="replace")
    return None


def branch_of_head(directory: Path) -> str | None:
    """The branch that is checked out, without ``refs/heads/``; None for a detached head."""
    found = _read(directory / "HEAD", 4096) or b""
    name = found[4:].strip().decode(errors="replace") if found.startswith(b"ref:") else ""
    return name.removeprefix("refs/heads/") or None


def plain_directory(path: Path, what: str) -> Path:
    """The path, if it is a directory and no link. Raises ``RunnerError``."""
    if path.is_symlink() or not path.is_dir():
        raise RunnerError(f"{what} is not there: {path}.")
    return path


def _packed(name: str, directory: Path) -> str | None:
    for line in (_read(directory / "packed-refs", _PACKED_BYTES) or b"").split(b"\n"):
        commit, _, packed = line.partition(b" ")
        if packed == name.encode() and _COMMIT.fullmatch(commit):
            return commit.decode()
    return None


def _read(path: Path, limit: int) -> bytes | None:
    try:
        return read_bounded(path, limit).strip()
    except OSError:
        return None
