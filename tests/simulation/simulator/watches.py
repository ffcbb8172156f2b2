"""One open watch: how far it is, and which writes it tells of."""

import asyncio
from typing import Any

from simulator.addresses import Address, matches, selects
from simulator.server import Change


class Watch:
    """One open watch, and how far it is."""

    def __init__(self, address: Address, query: dict[str, str], position: int) -> None:
        self.position = position
        self.broken = self.silent = False
        self._roused = False
        self._sleeper: asyncio.Future[None] | None = None
        self._address = address
        self._labels = query.get("labelSelector")
        self._fields = query.get("fieldSelector")

    def hear(self, change: Change) -> None:
        """Something was written."""
        if change.key[0] == self._address.kind:
            self.rouse()

    async def woken(self, seconds: float) -> bool:
        """Whether something was written within that time."""
        if not self._roused:
            loop = asyncio.get_running_loop()
            self._sleeper = loop.create_future()
            timer = loop.call_later(max(0.0, seconds), self._wake)
            try:
                await self._sleeper
            finally:
                timer.cancel()
                self._sleeper = None
        return self._roused  # also when both came at the very moment: a bookmark would step over it

    def rouse(self) -> None:
        """There is something to see."""
        self._roused = True
        self._wake()

    def seen(self) -> None:
        """All there was has been seen."""
        self._roused = False

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def line(self, change: Change, twice: bool) -> bytes:
        """The event as this watch tells it; nothing when it selects neither what is nor what was."""
        kind, namespace, _ = change.key
        if kind != self._address.kind or self._address.namespace not in (None, namespace):
            return b""
        now = self._selects(change.metadata) and change.type != "DELETED"
        before = change.before is not None and self._selects(change.before)
        if not (now or before):
            return b""
        told = "MODIFIED" if now and before else "ADDED" if now else "DELETED"
        line = change.line.replace(change.type.encode(), told.encode(), 1)
        return line * 2 if twice else line

    def _selects(self, metadata: dict[str, Any]) -> bool:
        return matches(metadata, self._labels) and selects({"metadata": metadata}, self._fields)
