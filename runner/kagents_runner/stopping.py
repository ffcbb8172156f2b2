"""Work that is given up when the agent is told to stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

OVER: Final = "over"
"""The mark in ``KAGENTS_OVER_DIR`` by which a hub's recorder ends what runs beside it."""

Result = TypeVar("Result")


async def until_stopped(work: Coroutine[Any, Any, Result], stop: asyncio.Event) -> Result | None:
    """The result of ``work``; None when ``stop`` was set first, and then ``work`` has ended too."""
    doing, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        doing.cancel()
        stopped.cancel()
        await asyncio.wait({doing, stopped})
