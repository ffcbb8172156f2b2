"""The folder of what agents have made: ``<agent>/<artifact>/<file or folder>``, and a record beside it.

``<agent>/collected.json`` is written last, by the agent's supervisor alone: what it names is whole. Files
may be large and were written by agents, so all is read with limits and no link is followed.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded, write_all
from kagents_core.teamfiles.layout import checked_name
from kagents_runner.export.walk import files_in, open_below

MOST_BYTES: Final = 1024**3
"""Of all artifacts of one agent together."""
MOST_FILES: Final = 10_000
"""The same."""
RECORD: Final = "collected.json"
RECORD_LIMIT: Final = 256 * 1024
_PIECE: Final = 1024 * 1024
_DIGEST: Final = 64


class RefusedError(Exception):
    """An artifact that cannot be kept; ``str()`` says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is recorded of one artifact: its check sum, or why there is none."""

    name: str
    path: str
    folder: bool = False
    files: int = 0
    size: int = 0
    sha256: str = ""
    problem: str = ""

    @property
    def base(self) -> str:
        """The name of the file or folder itself."""
        return self.path.rpartition("/")[2]

    def document(self) -> dict[str, Any]:
        """As it is written down."""
        known: dict[str, Any] = {"name": self.name, "path": self.path}
        if self.problem:
            return known | {"problem": self.problem}
        facts = {"folder": self.folder, "files": self.files, "size": self.size, "sha256": self.sha256}
        return known | facts


def records(folder: Path, agent: str) -> list[Kept]:
    """What is recorded of an agent's artifacts; nothing when nothing readable is there."""
    try:
        found = orjson.loads(read_bounded(folder / checked_name(agent) / RECORD, RECORD_LIMIT))
    except (OSError, orjson.JSONDecodeError):
        return []
    items = found.get("artifacts") if isinstance(found, dict) else None
    return [kept for item in items if (kept := _kept(item))] if isinstance(items, list) else []


def _kept(item: object) -> Kept | None:
    if not isinstance(item, dict):
        return None
    name, path, problem = item.get("name"), item.get("path"), item.get("problem", "")
    if not (isinstance(name, str) and isinstance(path, str) and isinstance(problem, str)):
        return None
    if problem:
        return Kept(name, path, problem=problem)
    files, size, digest = item.get("files"), item.get("size"), item.get("sha256")
    if not (isinstance(files, int) and isinstance(size, int) and isinstance(digest, str)):
        return None
    if len(digest) != _DIGEST or files < 1 or size < 0:
        return None
    return Kept(name, path, item.get("folder") is True, files, size, digest)


@dataclass(slots=True)
class Allowance:
    """How much more an agent's artifacts may hold."""

    bytes: int = MOST_BYTES
    files: int = MOST_FILES

    def take_file(self) -> None:
        """One more file."""
        self.files -= 1
        if self.files < 0:
            raise RefusedError(f"the artifacts of an agent hold at most {MOST_FILES:,} files together")

    def take_bytes(self, count: int) -> None:
        """So many bytes more."""
        self.bytes -= count
        if self.bytes < 0:
            raise RefusedError(
                f"the artifacts of an agent hold at most {MOST_BYTES // 1024**2:,} MiB together"
            )


Sink = Callable[[str, int], int]
"""Opens the copy of a file: gets its path below the artifact ("" for a single file) and its mode."""


def measure(
    root: Path, parts: Sequence[str], allowance: Allowance, sink: Sink | None = None
) -> Mapping[str, Any]:
    """Reads the file or folder at ``parts`` below ``root``: ``folder``, ``files``, ``size``, ``sha256``.

    The check sum of a folder is that of the list that ``sha256sum`` prints of its files, sorted by path.
    Raises ``RefusedError`` for anything that is not plain files and folders, and ``OSError``.
    """
    descriptor = open_below(root, parts)
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return _folder(descriptor, allowance, sink)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RefusedError("it is neither a file nor a folder")
        size, digest = _file("", descriptor, allowance, sink)
        return {"folder": False, "files": 1, "size": size, "sha256": digest}
    finally:
        os.close(descriptor)


def _folder(folder: int, allowance: Allowance, sink: Sink | None) -> Mapping[str, Any]:
    lines: list[tuple[bytes, str]] = []
    total = 0
    for path, descriptor in _plain_files(folder):
        size, digest = _file(path, descriptor, allowance, sink)
        total += size
        lines.append((os.fsencode(path), digest))
    if not lines:
        raise RefusedError("the folder holds no file")
    listing = hashlib.sha256()
    for path_bytes, digest in sorted(lines):
        listing.update(f"{digest}  ".encode() + path_bytes + b"\n")
    return {"folder": True, "files": len(lines), "size": total, "sha256": listing.hexdigest()}


def _plain_files(folder: int) -> Iterator[tuple[str, int]]:
    def refuse(path: str, reason: str) -> None:
        raise RefusedError(f"it holds {path[:200]!r}, which cannot be taken along: {reason}")

    for path, descriptor in files_in(folder, refuse):
        if not path.isprintable() or "\\" in path:
            raise RefusedError(f"it holds a file with a name that is not plain: {path[:200]!r}")
        yield path, descriptor


def _file(path: str, descriptor: int, allowance: Allowance, sink: Sink | None) -> tuple[int, str]:
    allowance.take_file()
    copy = sink(path, os.fstat(descriptor).st_mode) if sink else None
    digest, size = hashlib.sha256(), 0
    try:
        while data := os.read(descriptor, _PIECE):
            allowance.take_bytes(len(data))
            digest.update(data)
            size += len(data)
            if copy is not None:
                write_all(copy, data)
    finally:
        if copy is not None:
            os.close(copy)
    return size, digest.hexdigest()
