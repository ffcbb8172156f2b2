"""One team's journal, followed while its view is open; a broken stream resumes after the last number."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from kagents_tui.journal_view import JournalView
from kagents_tui.rows.fields import line

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 8.0
TURN_SECONDS: Final = 0.01
"""Work on entries that lie ready before keys and paints have their turn: a long journal arrives at once."""

Stream = Callable[[int], AsyncGenerator[Mapping[str, Any]]]
"""Opens the journal after a sequence number, and follows it."""


@dataclass(slots=True)
class Tail:
    """Feeds a ``JournalView``. ``lost_since`` is set while there is no stream, ``trouble`` says why."""

    open: Stream
    on_change: Callable[[], None]
    view: JournalView = field(default_factory=JournalView)
    lost_since: datetime | None = None
    trouble: str = ""
    ended: bool = False

    async def run(self, *, finished: Callable[[], bool]) -> None:
        """Follows until cancelled, or until the stream of a ``finished`` team has ended by itself."""
        wait = FIRST_WAIT
        while True:
            before = self.view.sequence
            turn = monotonic()
            try:
                async with aclosing(self.open(self.view.sequence)) as stream:
                    async for entry in stream:
                        self.lost_since, self.trouble = None, ""
                        self.view.apply(entry)
                        self.on_change()
                        if monotonic() - turn > TURN_SECONDS:
                            await asyncio.sleep(0)
                            turn = monotonic()
                why = "the stream ended"
                if finished():
                    self.ended = self.view.live = True
                    self.on_change()
                    return
            except asyncio.CancelledError:
                raise
            except Exception as error:
                why = line(str(error) or type(error).__name__, 300)
            if self.view.sequence > before:
                wait = FIRST_WAIT
            self.lost_since = self.lost_since or datetime.now(UTC)
            self.trouble = why
            self.on_change()
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)
