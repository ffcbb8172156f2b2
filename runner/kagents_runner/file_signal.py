"""Wakes when one file grows or appears: inotify where there is one, and a poll beside it.

Blocking and small on purpose: ``tail`` starts in a fraction of the time that an event loop takes to import.
"""

import ctypes
import os
import select
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 1.0
"""Time between two looks beside inotify, for network file systems; without inotify it is the fast one."""
FAST_POLL_SECONDS: Final = 0.1

_IN_MODIFY: Final = 0x2
_IN_MOVED_TO: Final = 0x80
_IN_CREATE: Final = 0x100
_IN_NONBLOCK: Final = 0o4000
_IN_CLOEXEC: Final = 0o2000000


class FileSignal:
    """Watches the directory of one file."""

    def __init__(self, path: Path) -> None:
        self._inotify = _inotify(path.parent)
        self._poll = select.poll()
        if self._inotify is not None:
            self._poll.register(self._inotify, select.POLLIN)

    def wait(self, seconds: float) -> None:
        """Returns when something may have changed, at the latest after a poll interval or ``seconds``."""
        longest = FAST_POLL_SECONDS if self._inotify is None else POLL_SECONDS
        if self._poll.poll(max(0.0, min(seconds, longest)) * 1000) and self._inotify is not None:
            os.read(self._inotify, 65536)

    def close(self) -> None:
        """Stops watching."""
        if self._inotify is not None:
            os.close(self._inotify)
            self._inotify = None


def _inotify(directory: Path) -> int | None:
    """An inotify descriptor on the directory; None where the system has none."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        descriptor = int(library.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC))
    except (OSError, AttributeError):
        return None
    if descriptor < 0:
        return None
    mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE
    if library.inotify_add_watch(descriptor, os.fsencode(directory), mask) < 0:
        os.close(descriptor)
        return None
    return descriptor
