"""An event loop whose time is a number: it jumps to the next timer instead of waiting for it.

No socket, no thread, no clock. With the same seed of ``random``, what runs on it takes the same course.
"""

import asyncio
import math
from typing import Any


class NothingWillHappen(Exception):  # noqa: N818  (it says what happened)
    """Every task waits for something, and no timer is set."""


class _Selector:
    """Stands where the loop asks the system for events: there are none, only time that goes by."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingWillHappen
        self._loop.move(timeout > 0)
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop of one simulation."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 0.0
        self._selector = _Selector(self)

    def time(self) -> float:
        """Seconds since the simulation began."""
        return self._now

    def move(self, to_next_timer: bool) -> None:
        """Time goes on with each turn of the loop, however little: as it does where it ticks."""
        if to_next_timer:
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        self._now = math.nextafter(self._now, math.inf)

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""
