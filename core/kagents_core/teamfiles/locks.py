"""The native lock: a directory ``<file>.lock`` made with ``mkdir``.

As observed (Claude Code 2.1.329): the lock counts as stale once its modification time is ten seconds old,
and its holder touches it meanwhile; a writer retries for about 0.9 s on a mailbox and 3 s on a task. kagents
breaks a stale lock only while it holds an ``flock`` on the directory around it, so that two of its processes
never break one after the other and take away a fresh lock.
"""

import asyncio
import fcntl
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

STALE_SECONDS: Final = 10.0
TOUCH_SECONDS: Final = 3.0
"""How often a lock that is held for long is touched."""

INBOX_BUDGET: Final = 0.9
"""Seconds that the native CLI tries to lock a mailbox."""
TASK_BUDGET: Final = 3.0
"""Seconds that the native CLI tries to lock a task."""

_Identity = tuple[int, int, int]

_FIRST_DELAY: Final = 0.005
_LONGEST_DELAY: Final = 0.1


class LockTimeoutError(TimeoutError):
    """The lock was held by others for the whole budget."""


class LockLostError(RuntimeError):
    """Somebody broke the lock while it was held (the process was stopped for more than ten seconds)."""


class HeldLock:
    """A lock that this process holds; it is touched every ``TOUCH_SECONDS`` while the event loop runs."""

    def __init__(self, directory: Path, identity: "_Identity") -> None:
        self._directory = directory
        self._identity = identity
        self._timer = asyncio.get_running_loop().call_later(TOUCH_SECONDS, self._touch_again)

    def verify(self) -> None:
        """Raises ``LockLostError`` unless the lock is still the one that was made."""
        if _identity(self._directory) != self._identity:
            raise LockLostError(f"the lock {self._directory.name} was broken by another process")

    def release(self) -> None:
        """Removes the lock, if it is still ours."""
        self._timer.cancel()
        if _identity(self._directory) == self._identity:
            with suppress(OSError):
                self._directory.rmdir()

    def _touch_again(self) -> None:
        with suppress(LockLostError, OSError):
            self.verify()
            os.utime(self._directory)
            touched = _identity(self._directory)
            if touched is not None:
                self._identity = touched
                self._timer = asyncio.get_running_loop().call_later(TOUCH_SECONDS, self._touch_again)


@asynccontextmanager
async def lock(path: Path, *, budget: float) -> AsyncIterator[HeldLock]:
    """Holds the native lock of ``path`` (which need not exist; its directory must).

    ``budget``: seconds to try. Raises ``LockTimeoutError``, or ``OSError`` for the directory.
    """
    held = await _acquire(path.with_name(path.name + ".lock"), budget)
    try:
        yield held
    finally:
        held.release()


async def _acquire(directory: Path, budget: float) -> HeldLock:
    deadline = time.monotonic() + budget
    delay = _FIRST_DELAY
    while True:
        held = _try(directory)
        if held is not None:
            return held
        if _break_if_stale(directory):
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockTimeoutError(f"{directory.name} is held by another process")
        await asyncio.sleep(min(left, delay * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
        delay = min(delay * 2, _LONGEST_DELAY)


def _try(directory: Path) -> HeldLock | None:
    try:
        directory.mkdir(mode=0o755)
    except FileExistsError:
        return None
    identity = _identity(directory)
    return None if identity is None else HeldLock(directory, identity)


def _identity(directory: Path) -> _Identity | None:
    """Device, inode and modification time: inode numbers alone are used again at once."""
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _is_stale(directory: Path) -> bool:
    try:
        age = time.time() - os.lstat(directory).st_mtime
    except FileNotFoundError:
        return False
    return age >= STALE_SECONDS


def _break_if_stale(directory: Path) -> bool:
    """Removes a lock whose holder is gone; True when there is a reason to try again at once."""
    if not _is_stale(directory):
        return False
    with _breaking(directory.parent) as alone:
        if not alone or not _is_stale(directory):
            return False
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
    return True


@contextmanager
def _breaking(parent: Path) -> Iterator[bool]:
    """Whether this process alone may break locks in the directory; released by the kernel if it dies."""
    descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            # A file system without flock: breaking alone cannot be assured, a dead lock would stay for ever.
            yield True
            return
        yield True
    finally:
        os.close(descriptor)
