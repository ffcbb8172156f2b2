"""How the gateway's server listens: so many connections for one pod, and none of its work left at its end."""

import asyncio
from collections import Counter
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

CONNECTIONS: Final = 128
"""Of one address."""
_SPARED: Final = ("", "127.0.0.1", "::1")
"""Where all pods have the same, as on the embedded engine, they are processes of one person."""
IDLE_SECONDS: Final = 120.0
_DISK_SECONDS: Final = 10.0


class BoundedServer(web.Server):
    """Ends a connection at once whose peer has too many: who is not let in must not keep others out."""

    def __init__(self, *arguments: Any, connections: int = CONNECTIONS, **options: Any) -> None:
        """As a server; ``connections`` of one peer."""
        super().__init__(*arguments, keepalive_timeout=IDLE_SECONDS, **options)
        self._limit = connections
        self._peers: Counter[str] = Counter()
        self._peer_of: dict[int, str] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Counts it."""
        super().connection_made(handler, transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        if peer in _SPARED:
            return
        self._peer_of[id(handler)] = peer
        self._peers[peer] += 1
        if self._peers[peer] > self._limit:
            transport.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forgets it."""
        super().connection_lost(handler, exc)
        peer = self._peer_of.pop(id(handler), None)
        if peer is not None:
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]


class WaitingRunner(web.ServerRunner):
    """Its end waits for what is still being done, which aiohttp breaks off without looking back."""

    def __init__(
        self,
        server: web.Server,
        tasks: set[asyncio.Task[Any]],
        closing: set[asyncio.Task[None]],
        *,
        seconds: float,
    ) -> None:
        """``tasks`` are those that answer requests now; they have ``seconds`` to end by themselves.

        ``closing`` are those that wait for the disk, and are waited for.
        """
        super().__init__(server, shutdown_timeout=seconds)
        self._tasks = tasks
        self._closing = closing
        self._seconds = seconds

    async def cleanup(self) -> None:
        """Listens no more; what is left is broken off, and has written down what it used."""
        await super().cleanup()
        for task in self._tasks:
            task.cancel()
        for left in (self._tasks, self._closing):
            if left:
                await asyncio.wait(set(left), timeout=max(self._seconds, _DISK_SECONDS))
