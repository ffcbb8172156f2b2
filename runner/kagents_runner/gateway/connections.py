"""One connection of the relay's: bytes that come and go, and no wait for a peer that is gone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import orjson

from kagents_runner.gateway.messages import END, HEAD_LIMIT, Body

_STEP: Final = 64 * 1024
_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 64 * 1024 * 1024
_REASONS: Final = {400: b"Bad Request", 404: b"Not Found", 503: b"Service Unavailable"}
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class GoneError(Exception):
    """The peer has ended the connection, or it has broken."""


class Connection:
    """Reader and writer of one, with what was read too much."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        place: tuple[str, int] | None = None,
    ) -> None:
        """``place`` is where the peer is."""
        self._reader = reader
        self._writer = writer
        self._place = place
        self._held = b""
        self._used = asyncio.get_running_loop().time()
        found = writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEP_ALIVE:
                if hasattr(socket, name):
                    found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def usable(self, place: tuple[str, int], seconds: float) -> bool:
        """Whether it leads there still, and was used in the last ``seconds``."""
        fresh = asyncio.get_running_loop().time() - self._used < seconds
        open_ = not (self._reader.at_eof() or self._writer.is_closing() or self._held)
        return fresh and open_ and place == self._place

    async def head(self) -> bytes | None:
        """The next head with its end; None at the end. Raises ``GoneError``, also where it is too long."""
        found, looked = bytearray(), 0
        while True:
            data = await self._more()
            if not data:
                if not found.strip():
                    return None
                raise GoneError
            found += data
            at = found.find(END, max(looked - len(END), 0))
            looked = len(found)
            if at >= 0:
                at += len(END)
                self._held = bytes(found[at:])
                return bytes(found[:at]).lstrip(b"\r\n")
            if len(found) > HEAD_LIMIT:
                raise GoneError

    def at_hand(self, body: Body) -> bytes:
        """The bytes of a body that have come already. Raises ``MessageError``."""
        taken = body.take(self._held)
        found, self._held = self._held[:taken], self._held[taken:]
        return found

    async def body(self, body: Body) -> AsyncIterator[bytes]:
        """The bytes of a body as they come. Raises ``GoneError`` when it ends too early."""
        while not body.done:
            data = await self._more()
            if not data:
                if body.ends_with_connection:
                    return
                raise GoneError
            taken = body.take(data)
            self._held = data[taken:]
            if taken:
                yield data[:taken]

    async def more_or_gone(self) -> None:
        """Returns once the peer has said something more, which is kept. Raises ``GoneError``."""
        data = await self._more()
        if not data:
            raise GoneError
        self._held = data

    async def _more(self) -> bytes:
        """The next bytes; empty at the end."""
        self._used = asyncio.get_running_loop().time()
        if self._held:
            held, self._held = self._held, b""
            return held
        try:
            return await self._reader.read(_STEP)
        except OSError as error:
            raise GoneError from error

    def write(self, data: bytes) -> None:
        """Sends, as soon as the peer takes it."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Waits until the peer has taken the most of it. Raises ``GoneError``."""
        try:
            await self._writer.drain()
        except OSError as error:
            raise GoneError from error

    async def refuse(self, status: int, kind: str, sentence: str, fields: bytes = b"") -> bool:
        """An answer of our own, after which the connection is not used again. Raises ``GoneError``."""
        error = {"type": kind, "message": f"kagents: {sentence}"}
        body = orjson.dumps({"type": "error", "error": error})
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n" % (status, _REASONS[status])
        self.write(head + fields + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        await self.drain()
        await self.linger()
        return False

    async def linger(self) -> None:
        """Reads what the peer is still sending: were it left, it would take our answer with it."""
        with suppress(OSError, RuntimeError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER_SECONDS):
                left = _LINGER_BYTES
                while left > 0 and (data := await self._reader.read(_STEP)):
                    left -= len(data)

    def close(self) -> None:
        """Ends it once everything is sent."""
        self._writer.close()

    def abort(self) -> None:
        """Ends it now."""
        self._writer.transport.abort()
