"""Takes what an agent has made out of its working directory into the team's volume, when it has ended.

It may be killed at any moment: the record is removed first and written last, and the next attempt collects
everything again.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import orjson

from kagents_core.safetext import clean
from kagents_core.teamfiles.files import replace_file
from kagents_runner.artifacts.store import RECORD, Allowance, Kept, RefusedError, measure
from kagents_runner.documents import ArtifactDocument
from kagents_runner.export.walk import open_below
from kagents_runner.full_volume import is_full

PROBLEM_LIMIT: Final = 400
_NO_FOLDER: Final = "a file or a link stands in its path where a folder should be"
_LINK: Final = "a link stands in its path, and links are not followed"


def collect(
    store: Path, root: Path, place: Sequence[str], artifacts: Sequence[ArtifactDocument]
) -> list[Kept]:
    """Keeps each artifact or says why it cannot be. Raises ``OSError`` when the volume is full.

    ``store`` is the agent's own folder; its working directory is ``place`` below ``root``.
    """
    record = store / RECORD
    record.unlink(missing_ok=True)
    allowance = Allowance()
    found = [_keep(store / each.name, root, place, each, allowance) for each in artifacts]
    document = {"artifacts": [kept.document() for kept in found]}
    replace_file(record, orjson.dumps(document), durable=True)
    return found


def missing(
    root: Path, place: Sequence[str], artifacts: Sequence[ArtifactDocument]
) -> dict[ArtifactDocument, str]:
    """Those that are not there now, or cannot be kept, each with the reason. Nothing is read of them."""
    found: dict[ArtifactDocument, str] = {}
    for each in artifacts:
        try:
            descriptor = open_below(root, [*place, *each.path.split("/")])
        except OSError as error:
            found[each] = _why(error)
            continue
        mode = os.fstat(descriptor).st_mode
        os.close(descriptor)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            found[each] = "it is neither a file nor a folder"
    return found


def _keep(
    target: Path, root: Path, place: Sequence[str], wanted: ArtifactDocument, allowance: Allowance
) -> Kept:
    kept = Kept(wanted.name, wanted.path)
    try:
        empty(target)
        facts = measure(root, [*place, *wanted.path.split("/")], allowance, _Copy(target / kept.base).sink)
        _lock(target)
        return replace(kept, **facts)
    except RefusedError as error:
        problem = str(error)
    except OSError as error:
        if is_full(error):
            empty(target)  # others need the room
            raise
        problem = _why(error)
    empty(target)
    return replace(kept, problem=clean(problem, limit=PROBLEM_LIMIT, multiline=False))


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "it is not there" if error.errno == errno.ENOENT else _NO_FOLDER
    if error.errno == errno.ELOOP:
        return _LINK
    return f"it cannot be kept: {error.strerror or error}"


class _Copy:
    """Writes what is measured below ``target``, which is the file itself when it is a single one."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def sink(self, path: str, mode: int) -> int:
        """Opens the copy of one file."""
        place = self._target / path if path else self._target
        place.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(place, flags, 0o755 if mode & stat.S_IXUSR else 0o644)


def _lock(target: Path) -> None:
    """Nothing in it is to be written any more, also where a mount does not see to that."""
    for folder, _, files in os.walk(target, topdown=False):
        for name in files:
            path = Path(folder) / name
            path.chmod(0o555 if path.stat().st_mode & stat.S_IXUSR else 0o444)
        if Path(folder) != target:
            Path(folder).chmod(0o555)


def empty(target: Path) -> None:
    """Removes what an earlier attempt has left; the folder itself stays, as others may have it mounted."""
    target.mkdir(parents=True, exist_ok=True)
    for folder, folders, _ in os.walk(target):
        for name in folders:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755)
    for folder, folders, files in os.walk(target, topdown=False):
        for name in (*files, *folders):
            path = Path(folder) / name
            if path.is_symlink() or name in files:
                path.unlink()
            else:
                path.rmdir()
