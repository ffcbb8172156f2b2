"""The work queue: each key is in work at most once at a time, and no change to it is ever forgotten.

The semantics are those of client-go's queue: a key added while it is waiting is one piece of work; a key
added while it is being worked on is queued again when that work is done; a failing key waits ever longer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from kagents_controller.delays import DelayHeap

K = TypeVar("K", bound=Hashable)

_FIRST_RETRY_SECONDS = 0.005
_LONGEST_RETRY_SECONDS = 1000.0


class QueueClosed(Exception):  # noqa: N818  (it says what happened)
    """No further work is handed out."""


class WorkQueue(Generic[K]):
    """Keys to be worked on, in the order of their arrival. For one event loop."""

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        """``clock`` is monotonic, in seconds; by default the running loop's."""
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._failures: dict[K, int] = {}
        self._delayed: DelayHeap[K] = DelayHeap()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._closed = False
        self._since: dict[K, float] = {}
        self.on_taken: Callable[[float], None] = lambda seconds: None
        """Called with the time that a key has waited when its work begins."""
        self.adds = 0
        self.retries = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def processing(self) -> int:
        """How many keys are being worked on."""
        return len(self._processing)

    def add(self, key: K) -> None:
        """There is something to do for this key."""
        if key in self._dirty:
            return
        self.adds += 1
        self._dirty.add(key)
        if key not in self._processing:
            self._enter(key)

    def _enter(self, key: K) -> None:
        self._waiting.append(key)
        self._since[key] = self._clock()
        self._changed.set()

    def arrange(self, rank: Callable[[K], int]) -> None:
        """Put what waits into the order of its rank, the lowest first."""
        self._waiting = deque(sorted(self._waiting, key=rank))

    def add_after(self, key: K, seconds: float) -> None:
        """Add the key later; an earlier appointment of the same key stands."""
        if seconds <= 0:
            self.add(key)
            return
        self._delayed.advance(key, self._clock() + seconds)
        self._changed.set()

    def retry(self, key: K) -> float:
        """Add the key later because its work failed; the seconds until then, longer after each failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.retries += 1
        seconds = min(_LONGEST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2.0 ** min(failures, 32))
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """The key's work succeeded: its next failure is a first one, and an appointment for it is void."""
        self._failures.pop(key, None)
        self._delayed.set(key, None)

    def failures(self, key: K) -> int:
        """How often the key's work has failed in a row."""
        return self._failures.get(key, 0)

    def take(self) -> K | None:
        """The next key, or None when there is nothing to do now. Call ``done`` for it afterwards."""
        for key in self._delayed.pop_due(self._clock()):
            self.add(key)
        if not self._waiting:
            return None
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        self.on_taken(self._clock() - self._since.pop(key))
        return key

    def done(self, key: K) -> None:
        """The work on this key has ended; if it was added meanwhile, it is queued again."""
        self._processing.discard(key)
        if self._closed and not self._processing:
            self._idle.set()
        if key in self._dirty:
            self._enter(key)

    def close(self) -> None:
        """Hand out no further work; whoever waits for some gets QueueClosed."""
        self._closed = True
        self._changed.set()
        if not self._processing:
            self._idle.set()

    async def idle(self) -> None:
        """Wait, after ``close``, until nothing is in work any more."""
        await self._idle.wait()

    async def get(self) -> K:
        """Wait for a key. Raises QueueClosed."""
        while True:
            if self._closed:
                raise QueueClosed
            if (key := self.take()) is not None:
                return key
            self._changed.clear()
            due = self._delayed.next()
            seconds = None if due is None else max(0.0, due - self._clock())
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue  # the next delayed key is due
