"""Which files of a directory have changed since one last asked, by name, size, time and inode."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

YOUNG: Final = 0.05
"""Seconds in which a file may be written twice without a difference in its times; it is looked at once
more."""

_Signature = tuple[int, int, int]


class FileChanges:
    """The files of one directory whose names end in ``suffix``."""

    def __init__(self, directory: Path, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix
        self._known: dict[str, _Signature] = {}
        self.young = False
        """A file was so fresh that it must be looked at again after ``YOUNG`` seconds."""

    def changed(self) -> tuple[list[str], list[str]]:
        """Names of files that are new or changed, in order, and of those that are gone."""
        found: dict[str, _Signature] = {}
        changed: list[str] = []
        self.young = False
        with suppress(FileNotFoundError), os.scandir(self._directory) as entries:
            for entry in entries:
                if not entry.name.endswith(self._suffix) or entry.name.startswith("."):
                    continue
                with suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    found[entry.name] = (state.st_mtime_ns, state.st_size, state.st_ino)
                    if self._known.get(entry.name) != found[entry.name]:
                        changed.append(entry.name)
                        if abs(time.time() - state.st_mtime) < YOUNG:  # not one dated far ahead
                            found[entry.name] = (0, 0, 0)
                            self.young = True
        gone = [name for name in self._known if name not in found]
        self._known = found
        return sorted(changed), gone

    def names(self) -> list[str]:
        """The files that were there when last asked."""
        return list(self._known)

    def again(self, name: str) -> None:
        """The file could not be read: name it again next time."""
        self._known[name] = (0, 0, 0)
        self.young = True
