"""The body of a request as a stream of limited steps, unpacked where the client has packed it."""

import zlib
from typing import Final

from aiohttp import StreamReader

STEP: Final = 64 * 1024


class BodyError(ValueError):
    """A body that is not what its headers say."""


class Body:
    """Reads from a request. However well it is packed, no more than a step of it is held."""

    def __init__(self, stream: StreamReader, encoding: str) -> None:
        """``encoding`` is the request's ``Content-Encoding``. Raises ``BodyError``."""
        if encoding.lower() not in ("", "identity", "gzip", "x-gzip"):
            raise BodyError("only gzip is understood")
        self._stream = stream
        self._unpacker = zlib.decompressobj(wbits=31) if "gzip" in encoding.lower() else None
        self._held = b""

    async def some(self) -> bytes:
        """The next bytes; empty at the end. Raises ``BodyError``."""
        if self._held:
            held, self._held = self._held, b""
            return held
        if self._unpacker is None:
            return await self._stream.read(STEP)
        return await self._unpacked(self._unpacker)

    async def _unpacked(self, unpacker: "zlib._Decompress") -> bytes:
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or await self._stream.read(STEP)
            if not packed:
                raise BodyError("the body ends too early")
            try:
                if data := unpacker.decompress(packed, STEP):
                    return data
            except zlib.error as error:
                raise BodyError("the body is not packed as its header says") from error
        return b""

    async def exactly(self, count: int) -> bytes:
        """As many bytes. Raises ``EOFError``, ``BodyError``."""
        parts = bytearray()
        while len(parts) < count:
            some = await self.some()
            if not some:
                raise EOFError
            parts += some
        self._held = bytes(parts[count:]) + self._held
        return bytes(parts[:count])

    async def drop(self) -> None:
        """Reads the rest for nobody: a client listens only once it has said everything."""
        while await self.some():
            pass
