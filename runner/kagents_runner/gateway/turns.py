"""Whose turn it is when the model's API says that there were too many requests.

As long as it does not, everybody goes at once. After a 429 requests wait, and then go one by one, round by
round over the agents, so that one that asks for much waits behind its own requests and not the others behind
it. Every answer that is none doubles how many may go at once, until nobody waits. Nobody waits for longer
than a request is held back at the most: then it goes as it would have without us, and hears what it hears.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

HOLD_SECONDS: Final = 20.0
FIRST_PAUSE: Final = 1.0
"""Seconds after a 429 that names none; twice as long after each that follows."""

_Waiting = asyncio.Future[None]


@dataclass
class Turns:
    """One upstream's queue."""

    hold_seconds: float = HOLD_SECONDS
    first_pause: float = FIRST_PAUSE
    _waiting: OrderedDict[str, deque[_Waiting]] = field(default_factory=OrderedDict)
    _window: int | None = None
    """How many may be unanswered at once; None: any number."""
    _asking: int = 0
    _closed_until: float = 0.0
    _pause: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def deadline(self) -> float:
        """Until when a request that comes now may be held back."""
        return self._now() + self.hold_seconds

    async def enter(self, agent: str, deadline: float, *, again: bool = False) -> None:
        """Waits for this agent's turn, at most until ``deadline``; ``again``: before the agent's others.

        Whoever has entered calls ``answered`` or ``limited``, once.
        """
        if self._window is not None and self._now() < deadline and self.worth_waiting(deadline):
            await self._wait(agent, deadline, again=again)
        self._asking += 1

    def worth_waiting(self, deadline: float) -> bool:
        """Whether anybody goes before ``deadline``."""
        return self._closed_until < deadline

    async def _wait(self, agent: str, deadline: float, *, again: bool) -> None:
        mine: _Waiting = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(agent, deque())
        if again:
            queue.appendleft(mine)
        else:
            queue.append(mine)
        self._go_on()
        try:
            async with asyncio.timeout_at(deadline):
                await mine
        except TimeoutError:
            self._leave(agent, queue, mine)
        except asyncio.CancelledError:
            self._leave(agent, queue, mine)
            self._go_on()
            raise
        else:
            self._leave(agent, queue, mine)

    def _leave(self, agent: str, queue: deque[_Waiting], mine: _Waiting) -> None:
        if mine in queue:
            queue.remove(mine)
        if not queue and self._waiting.get(agent) is queue:
            del self._waiting[agent]
        if mine.done() and not mine.cancelled():
            self._asking -= 1  # was counted for it when its turn came

    def answered(self) -> None:
        """The API answered something else than 429, or not at all."""
        self._asking -= 1
        self._pause = 0.0
        if self._window is not None:
            self._window = self._window * 2 if self._waiting else None
        self._go_on()

    def limited(self, seconds: float | None) -> float:
        """The API answered 429: nobody goes for as long as it says. Returns how long that is."""
        self._asking -= 1
        if seconds is not None:
            seconds = max(seconds, self.first_pause)
        if seconds is None:
            now = self._now()
            if self._closed_until <= now:  # else this one was on its way when the others were refused
                self._pause = min(self._pause * 2 or self.first_pause, self.hold_seconds)
            seconds = self._pause or self.first_pause
        self._window = 1
        self._closed_until = max(self._closed_until, self._now() + seconds)
        self._go_on()
        return seconds

    def _go_on(self) -> None:
        """Lets go whoever may; sets the clock for the others."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        if self._window is not None and self._closed_until > self._now():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._closed_until, self._go_on)
            return
        while self._waiting and (self._window is None or self._asking < self._window):
            agent, queue = self._waiting.popitem(last=False)
            first = queue.popleft()
            if not first.done():  # else it has just given up
                first.set_result(None)
                self._asking += 1
            if queue:
                self._waiting[agent] = queue  # behind the others

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
