"""Bodies of other servers' answers, no more of them than one is willing to hold."""

import aiohttp


async def at_most(stream: aiohttp.StreamReader, limit: int) -> bytes:
    """The whole body, or its first ``limit`` bytes. Raises what reading raises."""
    parts: list[bytes] = []
    while limit > 0 and (part := await stream.read(limit)):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
