"""The pages of a list: while the caller looks at one, the server already makes the next.

So it is for a caller that lets the event loop turn meanwhile: it is the loop that asks, and reads what comes.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from kagents_core.api.resources import Resource

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A list, or one page of it. ``remaining`` counts what later pages hold, where the server says."""

    items: list[Object]
    resource_version: str
    remaining: int = 0


async def read_pages(
    resource: Resource, ask: Callable[[str], Coroutine[Any, Any, Object]]
) -> AsyncGenerator[ObjectList]:
    """All pages. ``ask`` requests the page of a ``continue`` token; the first one's is empty."""
    asked: asyncio.Task[Object] | None = asyncio.create_task(ask(""))
    try:
        while asked is not None:
            body = await asked
            metadata = body.get("metadata") or {}
            items = cast("list[Object]", body.get("items") or [])
            token = metadata.get("continue") or ""
            asked = asyncio.create_task(ask(token)) if token else None
            for item in items:  # built-in kinds leave these out inside a list
                item.setdefault("apiVersion", resource.api_version)
                item.setdefault("kind", resource.kind)
            remaining = int(metadata.get("remainingItemCount") or 0)
            yield ObjectList(items, str(metadata.get("resourceVersion", "")), remaining)
    finally:
        if asked is not None:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
