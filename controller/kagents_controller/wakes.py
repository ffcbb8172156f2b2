"""Deadlines: objects that are to be looked at again at a moment of the wall clock."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from kagents_controller.delays import DelayHeap
from kagents_controller.expectations import Owner

_LONGEST_SLEEP_SECONDS = 60.0
"""Deadlines are wall-clock moments: after a suspended laptop wakes up they are noticed this soon."""


class Wakes:
    """One moment for each object that has a deadline."""

    def __init__(self, clock: Callable[[], datetime], due: Callable[[Owner], None]) -> None:
        """``due`` gets the objects whose moment has come."""
        self._clock, self._due = clock, due
        self._moments: DelayHeap[Owner] = DelayHeap()
        self._changed = asyncio.Event()

    def set(self, owner: Owner, moment: datetime | None) -> None:
        """The object's next deadline; None for none."""
        self._moments.set(owner, None if moment is None else moment.timestamp())
        self._changed.set()

    async def run(self) -> None:
        """Tell what is due until cancelled; sleeps until the next deadline."""
        while True:
            now = self._clock().timestamp()
            for owner in self._moments.pop_due(now):
                self._due(owner)
            due = self._moments.next()
            seconds = None if due is None else min(max(0.0, due - now), _LONGEST_SLEEP_SECONDS)
            self._changed.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue
