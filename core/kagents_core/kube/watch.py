"""The body of a watch: one JSON event a line."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from kagents_core.kube.errors import Gone, Unreachable, error_from_status, status_code
from kagents_core.kube.lean import loads

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
_LINE_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. A ``BOOKMARK`` carries only a new ``metadata.resourceVersion``."""

    type: EventType
    object: dict[str, Any]


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[WatchEvent]:
    """The events in a chunked body.

    Raises Gone for the server's 410, another ApiError for its other errors, Unreachable for what is no event.
    """
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *complete, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in complete:
                if line:
                    yield _event(line)
        if len(rest) > _LINE_LIMIT:
            raise Unreachable("The watch sent a line of more than 16 MiB.")


def _event(line: bytes) -> WatchEvent:
    try:
        event = loads(line)
        kind, body = event["type"], event["object"]
    except (ValueError, KeyError, TypeError):
        kind, body = None, None
    if not isinstance(body, dict):
        raise Unreachable("The watch sent a line that is not an event.")
    if kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
        return WatchEvent(kind, body)
    code = status_code(body)
    if code == 410 or body.get("reason") in ("Expired", "Gone"):
        raise Gone(
            410, str(body.get("reason") or "Gone"), str(body.get("message") or "too old resource version")
        )
    raise error_from_status(code, body, fallback="The server ended the watch with an error.")
