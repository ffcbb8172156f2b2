"""An agent's turns from its transcript, as its hub prints them; a broken stream is taken up again."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.rows.fields import line, moment, whole

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

FIRST_TURNS: Final = 1_000
PAGE_TURNS: Final = 500
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing in a transcript, harmless. ``what`` as in ``kagents_core.teamfiles.conversation.Turn``."""

    what: SafeText
    at: datetime | None
    text: SafeText
    name: SafeText
    failed: bool
    cut: bool
    begin: int
    end: int
    call: str = ""
    """Joins a tool's call and its result."""


def turn_of(entry: Mapping[str, Any]) -> Turn | None:
    """The turn that a printed line tells; None for a line of another kind."""
    if entry.get("kind") != "turn":
        return None
    text = entry.get("text")
    return Turn(
        what=line(entry.get("what"), 20),
        at=moment(entry.get("at")),
        text=clean(text if isinstance(text, str) else ""),
        name=line(entry.get("name"), 100),
        failed=entry.get("failed") is True,
        cut=entry.get("cut") is True,
        begin=whole(entry.get("begin")),
        end=whole(entry.get("end")),
        call=str(entry.get("call") or "")[:100],
    )


async def page(
    client: "Client",
    team: Mapping[str, Any],
    agent: str,
    *,
    before: int | None = None,
    last: int | None = None,
) -> list[Turn]:
    """The last turns before a place of the transcript. Raises ActError, ApiError."""
    from kagents_tui.hub_lines import printed

    arguments = ["transcript", "--agent", agent]
    arguments += [] if last is None else ["--last", str(last)]
    arguments += [] if before is None else ["--before", str(before)]
    async with aclosing(printed(client, team, arguments)) as entries:
        return [turn async for entry in entries if (turn := turn_of(entry)) is not None]


async def follow(
    client: "Client",
    team: Mapping[str, Any],
    agent: str,
    tell: Callable[[str], None],
    *,
    last: int = FIRST_TURNS,
) -> AsyncGenerator[Turn]:
    """The last turns, then new ones as they come; ``tell`` hears how the stream stands.

    Raises ActError when there is nothing to follow, Forbidden and Unauthorized when the server refuses.
    """
    from kagents_core.kube.errors import ApiError, Forbidden, Unauthorized
    from kagents_tui.hub_lines import printed

    offset, wait = 0, _FIRST_WAIT
    while True:
        begin = ["--after", str(offset)] if offset else ["--last", str(last)]
        try:
            async with aclosing(
                printed(client, team, ["transcript", "--agent", agent, "--follow", *begin])
            ) as entries:
                async for entry in entries:
                    wait = _FIRST_WAIT
                    offset = max(offset, whole(entry.get("end")), whole(entry.get("offset")))
                    turn = turn_of(entry)
                    if turn is not None:
                        yield turn
                    elif entry["kind"] == "live":
                        tell("live")
        except (Forbidden, Unauthorized):
            raise
        except ApiError as error:
            tell(f"lost: {line(str(error), 120)}")
        await asyncio.sleep(wait)
        wait = min(_LONGEST_WAIT, wait * 2)
