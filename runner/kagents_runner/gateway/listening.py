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
_PIECE: Final = 256 * 1024
"""Bytes that are taken at a time: as many as asyncio reads of a connection."""


class _Decrypted(asyncio.BufferedProtocol):
    """What one connection brings, taken out of its encryption in large pieces.

    asyncio asks a protocol of the other kind to hold each record (16 KB) in memory of its own, and then joins
    them: half of the time that a long conversation takes here.
    """

    def __init__(self, handler: RequestHandler, memory: memoryview) -> None:
        """``memory`` is where records are put together; nothing is left in it between two calls."""
        self._handler = handler
        self._memory = memory

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._handler.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone."""
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer does not take what is sent."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """It takes it again."""
        self._handler.resume_writing()

    def eof_received(self) -> None:
        """The peer sends no more."""
        self._handler.eof_received()

    def get_buffer(self, _: int) -> memoryview:
        """Where the next bytes go."""
        return self._memory

    def buffer_updated(self, nbytes: int) -> None:
        """So many are there."""
        self._handler.data_received(bytes(self._memory[:nbytes]))


class BoundedServer(web.Server):
    """Ends a connection at once whose peer has too many: who is not let in must not keep others out."""

    def __init__(self, *arguments: Any, connections: int = CONNECTIONS, **options: Any) -> None:
        """As a server; ``connections`` of one peer."""
        super().__init__(*arguments, keepalive_timeout=IDLE_SECONDS, **options)
        self._limit = connections
        self._peers: Counter[str] = Counter()
        self._peer_of: dict[int, str] = {}
        self._memory = memoryview(bytearray(_PIECE))

    def __call__(self) -> asyncio.BaseProtocol:  # type: ignore[override]
        """What asyncio is given for a new connection."""
        return _Decrypted(super().__call__(), self._memory)

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
