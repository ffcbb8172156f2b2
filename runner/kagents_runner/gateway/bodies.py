"""Bodies of requests, held as a whole until the model's API has begun to answer.

They have to be: what a request may cost is looked up in them before it is sent, and a request that one key
may not send is sent with another. So one is limited, an agent's together are, and all together are: who would
hold more waits, with nothing read of it.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from aiohttp import web

MIB: Final = 1024 * 1024
BODY_LIMIT: Final = 32 * MIB
"""The API's own limit."""
AGENT_LIMIT: Final = 48 * MIB
TOTAL_LIMIT: Final = 128 * MIB
READ_SECONDS: Final = 120.0
"""For one body, so that nobody keeps room by being slow."""


class BodyTooLarge(Exception):  # noqa: N818 - a refusal, no fault
    """A body above the limit."""


class BodyTooSlow(Exception):  # noqa: N818 - a refusal, no fault
    """A body that was not there in time."""


@dataclass(slots=True)
class Room:
    """How much is held, and who waits for some of it."""

    body_limit: int = BODY_LIMIT
    agent_limit: int = AGENT_LIMIT
    total_limit: int = TOTAL_LIMIT
    read_seconds: float = READ_SECONDS
    _held: Counter[str] = field(default_factory=Counter)
    _waiting: deque[tuple[str, int, asyncio.Future[None]]] = field(default_factory=deque)

    def body(self, request: web.BaseRequest, agent: str) -> "HeldBody":
        """The body of this request, in ``async with``. Raises ``BodyTooLarge``."""
        length = request.content_length
        size = self.body_limit if length is None else length
        if size > self.body_limit:
            raise BodyTooLarge
        return HeldBody(self, request, agent, size if request.can_read_body else 0)

    async def take(self, agent: str, size: int) -> None:
        """Waits until there is room; who comes later goes first only where the agent itself is the limit."""
        if self._fits(agent, size):
            self._held[agent] += size
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (agent, size, granted)
        self._waiting.append(entry)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.give_back(agent, size)
            else:
                self._waiting.remove(entry)
            raise

    def give_back(self, agent: str, size: int) -> None:
        """Room for others."""
        self._held[agent] -= size
        if not self._held[agent]:
            del self._held[agent]
        for entry in list(self._waiting):
            name, wanted, granted = entry
            if self._fits(name, wanted):
                self._waiting.remove(entry)
                self._held[name] += wanted
                granted.set_result(None)

    def _fits(self, agent: str, size: int) -> bool:
        own = self._held.get(agent, 0)
        return own + size <= self.agent_limit and self._held.total() + size <= self.total_limit


@dataclass(slots=True)
class HeldBody:
    """One body and the room that it takes."""

    room: Room
    request: web.BaseRequest
    agent: str
    size: int
    data: bytes = b""
    _taken: bool = False

    async def __aenter__(self) -> Self:
        """Reads it. Raises ``BodyTooLarge`` and ``BodyTooSlow``."""
        await self.room.take(self.agent, self.size)
        self._taken = True
        try:
            async with asyncio.timeout(self.room.read_seconds):
                self.data = await self._read()
        except TimeoutError:
            self.drop()
            raise BodyTooSlow from None
        except BaseException:
            self.drop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the room back."""
        self.drop()

    def drop(self) -> None:
        """It is not needed any more."""
        if self._taken:
            self._taken = False
            self.data = b""
            self.room.give_back(self.agent, self.size)

    async def _read(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await self.request.content.readany():
            size += len(part)
            if size > self.size:
                raise BodyTooLarge
            parts.append(part)
        return b"".join(parts)
