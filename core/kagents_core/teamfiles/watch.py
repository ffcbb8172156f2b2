"""Signals that something changed in some directories: inotify where there is one, and a slow poll beside it.

The poll finds what inotify cannot see: changes made by another node on a network file system, and directories
that did not exist yet. Without inotify (or with ``inotify=False``) polling is all there is.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from asyncinotify import Inotify

POLL_SECONDS: Final = 0.5
"""Seconds between polls when there is no inotify."""
SAFETY_SECONDS: Final = 5.0
"""Seconds between polls beside inotify."""

_Signature = frozenset[tuple[str, int, int, int]] | None


class DirectoryWatcher:
    """Watches directories (not below them). An async context manager; iterate over it, or call ``wait``.

    Each signal is the set of directories that changed since the last one; changes in between are one signal.
    Look at the files once after entering: what was there before gives no signal.
    """

    def __init__(
        self,
        directories: Iterable[Path],
        *,
        poll_seconds: float = POLL_SECONDS,
        safety_seconds: float = SAFETY_SECONDS,
        inotify: bool = True,
    ) -> None:
        """Nothing is watched before the context is entered."""
        self._signatures: dict[Path, _Signature] = {}
        self._pending_directories = list(directories)
        self._poll_seconds = poll_seconds
        self._safety_seconds = safety_seconds
        self._wants_inotify = inotify
        self._inotify: Inotify | None = None
        self._watched: set[Path] = set()
        self._changed: set[Path] = set()
        self._signal = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def uses_inotify(self) -> bool:
        """Whether changes on this machine are seen at once."""
        return self._inotify is not None

    async def __aenter__(self) -> Self:
        """Starts watching."""
        if self._wants_inotify:
            self._inotify = _new_inotify()
        for directory in self._pending_directories:
            self.add(directory)
        self._tasks = [asyncio.create_task(self._poll())]
        if self._inotify is not None:
            self._tasks.append(asyncio.create_task(self._read_inotify(self._inotify)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._inotify is not None:
            self._inotify.close()

    def add(self, directory: Path) -> None:
        """Watches one more directory, also one that does not exist yet."""
        if directory not in self._signatures:
            self._watch(directory)
            self._signatures[directory] = _signature(directory)

    async def wait(self, timeout: float | None = None) -> frozenset[Path]:
        """The directories that changed since the last signal; empty after ``timeout`` quiet seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._signal.wait()
        self._signal.clear()
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def __aiter__(self) -> Self:
        """The signals, one after the other, for ever."""
        return self

    async def __anext__(self) -> frozenset[Path]:
        """The next signal."""
        return await self.wait()

    def _tell(self, directory: Path) -> None:
        self._changed.add(directory)
        self._signal.set()

    def _watch(self, directory: Path) -> None:
        if self._inotify is None:
            return
        from asyncinotify import Mask

        mask = (
            Mask.CREATE
            | Mask.DELETE
            | Mask.MODIFY
            | Mask.MOVED_FROM
            | Mask.MOVED_TO
            | Mask.DELETE_SELF
            | Mask.ONLYDIR
        )
        with suppress(OSError):
            self._inotify.add_watch(directory, mask)
            self._watched.add(directory)

    async def _read_inotify(self, inotify: "Inotify") -> None:
        from asyncinotify import Mask

        while True:
            event = await inotify.get()
            if event.watch is None or event.mask & Mask.Q_OVERFLOW:
                for directory in self._signatures:
                    self._tell(directory)
                continue
            if event.mask & Mask.IGNORED:
                self._watched.discard(event.watch.path)
            self._tell(event.watch.path)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._safety_seconds if self._inotify is not None else self._poll_seconds)
            for directory in tuple(self._signatures):
                now = _signature(directory)
                if now is not None and directory not in self._watched:
                    self._watch(directory)
                if now != self._signatures[directory]:
                    self._signatures[directory] = now
                    self._tell(directory)


def _new_inotify() -> "Inotify | None":
    try:
        from asyncinotify import Inotify

        return Inotify()
    except (ImportError, OSError, AttributeError):
        return None


def _signature(directory: Path) -> _Signature:
    """What a change changes: names, sizes, times and inodes; None while there is no directory."""
    found: set[tuple[str, int, int, int]] = set()
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    found.add((entry.name, state.st_size, state.st_mtime_ns, state.st_ino))
    except OSError:
        return None
    return frozenset(found)
