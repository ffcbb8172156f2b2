"""An event loop whose time is a number: it jumps to the next timer instead of waiting for it.

No socket, no thread, no clock. With the same seed of ``random``, what runs on it takes the same course.
A third of a schedule was the bookkeeping of asyncio's own loop: this one does what a simulation needs alone.
"""

import asyncio
import contextvars
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from typing import Any


class NothingWillHappen(Exception):  # noqa: N818  (it says what happened)
    """Every task waits for something, and no timer is set."""


class _Call:
    """Something that will be called, unless it is cancelled."""

    __slots__ = ("arguments", "callback", "cancelled_", "context", "time")

    def __init__(
        self, callback: Callable[..., object], arguments: tuple[Any, ...], context: Any, time: float
    ) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self.time = time
        self.cancelled_ = False

    def cancel(self) -> None:
        """It will not be called."""
        self.cancelled_ = True
        self.arguments = ()

    def cancelled(self) -> bool:
        """Whether it will not be called."""
        return self.cancelled_

    def when(self) -> float:
        """The time at which it will be called."""
        return self.time


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop of one simulation."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._soon: deque[_Call] = deque()
        self._timers: list[tuple[float, int, _Call]] = []
        self._order = itertools.count()

    def time(self) -> float:
        """Seconds since the simulation began."""
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """In the next turn."""
        call = _Call(callback, args, context or contextvars.copy_context(), self._now)
        self._soon.append(call)
        return call

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        """At that time; what is due at the same moment is called in the order in which it was asked for."""
        call = _Call(callback, args, context or contextvars.copy_context(), when)
        heapq.heappush(self._timers, (when, next(self._order), call))
        return call

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        """After so many seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _run_once(self) -> None:
        """One turn. Time goes on with each, however little: as it does where it ticks."""
        timers, soon = self._timers, self._soon
        while timers and timers[0][2].cancelled_:
            heapq.heappop(timers)
        if not soon and not self._stopping:  # type: ignore[attr-defined]
            if not timers:
                raise NothingWillHappen
            self._now = max(self._now, timers[0][0])
        now = self._now = math.nextafter(self._now, math.inf)
        while timers and timers[0][0] <= now:
            soon.append(heapq.heappop(timers)[2])
        for _ in range(len(soon)):
            call = soon.popleft()
            if call.cancelled_:
                continue
            try:
                call.context.run(call.callback, *call.arguments)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # as asyncio's own loop does
                self.call_exception_handler({"message": f"in {call.callback!r}", "exception": error})

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""
