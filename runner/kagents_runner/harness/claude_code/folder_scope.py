"""What an agent's commands change outside its scope, in a folder that agents share and git does not know.

Nobody could say afterwards who has changed a file there. So the folder is looked at before and after each
command: what differs then, and still differs at the end of the turn, is told as changed while the agent's
commands ran. Only files outside the scope are looked at.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.files import open_regular, read_bounded, replace_file
from kagents_runner.outside import tell_outside
from kagents_runner.scope import Scope

MOST_FILES: Final = 5_000
"""Outside the scope. A folder with more is not looked at: a command must not wait for that."""

_HASHED_BYTES: Final = 256 * 1024
"""Larger files are told apart by size and time."""

_MOST_HASHED: Final = 64 * 1024 * 1024
_STATE_BYTES: Final = 8 * 1024 * 1024

Signs = dict[str, str]


class FolderScope:
    """The comparison for one agent, kept between the calls of its hook in a folder of its home."""

    def __init__(self, state: Path, folder: Path, scope: Scope) -> None:
        self._state, self._folder, self._scope = state, folder, scope

    def before(self, call: str) -> None:
        """A command is about to run."""
        signs = self._signs()
        if signs is not None:
            self._state.mkdir(exist_ok=True)
            replace_file(self._mark(call), json.dumps(signs).encode())

    def after(self, call: str) -> None:
        """It has run."""
        mark = self._mark(call)
        old, new = _read(mark), self._signs()
        mark.unlink(missing_ok=True)
        if old is None or new is None:
            return
        differs = {name: old.get(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        if differs:
            with self._alone():
                replace_file(self._changed, json.dumps(differs | (_read(self._changed) or {})).encode())

    def strayed(self) -> list[str]:
        """Files that are not as they were before the first command that changed them; kept for people."""
        if not self._changed.exists():
            return []
        changed, now = _read(self._changed) or {}, self._signs()
        found = sorted(name for name, sign in changed.items() if now is not None and now.get(name) != sign)
        if now is not None:
            tell_outside(self._state, found)
        return found

    @property
    def _changed(self) -> Path:
        return self._state / "changed.json"

    def _mark(self, call: str) -> Path:
        return self._state / f"before-{hashlib.sha256(call.encode()).hexdigest()[:24]}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Commands can end at the same moment."""
        with (self._state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _signs(self) -> Signs | None:
        """What changes with the content of each file outside the scope; None when there are too many."""
        signs: Signs = {}
        left = _MOST_HASHED
        for folder, folders, files in os.walk(self._folder):
            inside = os.path.relpath(folder, self._folder)
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for name in (*files, *links):
                path = Path(folder, name)
                shown = name if inside == os.curdir else f"{inside}/{name}"
                if self._scope.allows(shown):
                    continue
                signs[shown], used = _sign(path, left)
                left -= used
                if len(signs) > MOST_FILES:
                    return None
        return signs


def _sign(path: Path, left: int) -> tuple[str, int]:
    try:
        status = path.lstat()
        if path.is_symlink():
            return f"link {path.readlink()}", 0
        if status.st_size > min(_HASHED_BYTES, left):
            return f"{status.st_size} {status.st_mtime_ns}", 0
        with open(open_regular(path), "rb") as file:
            return hashlib.sha256(file.read(_HASHED_BYTES)).hexdigest(), status.st_size
    except OSError:
        return "unreadable", 0


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(read_bounded(path, _STATE_BYTES))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
