"""A few at a time, the most urgent first; whoever takes too long does not hold the others up."""

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import Any


class Turn:
    """One's turn. It is given back once, by its holder or when its time is over."""

    def __init__(self, queue: "Queue", seconds: float) -> None:
        self._queue: Queue | None = queue
        self._timer = asyncio.get_running_loop().call_later(seconds, self.give)

    def give(self) -> None:
        """Gives it back; again changes nothing."""
        queue, self._queue = self._queue, None
        self._timer.cancel()
        if queue is not None:
            queue.gave()


@dataclass(slots=True)
class Queue:
    """``free`` turns at once, each for at most ``seconds``."""

    free: int
    seconds: float
    _waiting: list[tuple[Any, int, asyncio.Future[None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    async def take(self, urgency: Any) -> Turn:
        """Waits for a turn; what has the lowest ``urgency`` comes first."""
        if self.free <= 0:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, next(self._numbers), mine))
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self.gave()  # it came at the last moment, and nobody takes it
                raise
        else:
            self.free -= 1
        return Turn(self, self.seconds)

    def gave(self) -> None:
        """A turn is free: the next one takes it over."""
        while self._waiting:
            _, _, mine = heapq.heappop(self._waiting)
            if not mine.done():
                mine.set_result(None)
                return
        self.free += 1
