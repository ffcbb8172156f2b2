"""How a body is sent to the model's API: piece by piece, as it came."""

import asyncio
from typing import Final

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from kagents_runner.gateway.pieces import Pieces

_LARGE: Final = 64 * 1024
"""Bytes of a body for which a further call of the system is less than a further copy."""


def payload_of(body: Pieces) -> "bytes | InPieces | None":
    """What aiohttp is given."""
    return InPieces(body) if body.size > _LARGE else body.whole() or None


class InPieces(Payload):
    """A body that is not joined. It is sent once: a further attempt makes another of these."""

    _autoclose = True  # nothing but memory

    def __init__(self, body: Pieces) -> None:
        """Its length is told before it."""
        super().__init__(tuple(body))
        self._size = body.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Its text."""
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Sends it, and lets others have their turn between two pieces."""
        writer.send_headers()  # aiohttp would join them with the first piece
        for piece in self._value:
            await writer.write(piece)
            await asyncio.sleep(0)
