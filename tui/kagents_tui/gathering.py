"""The journals of many teams at once, for the lists over all of them.

A few are caught up with at a time, so that no server, and no key, waits for fifty hubs. Then those whose hubs
still run are followed as the view of one team follows its own, at most ``LIVE_TEAMS`` of them; the others are
read again by turns. A team that cannot be read says why, and is tried again; the rest goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from kagents_core.safetext import SafeText
from kagents_tui.journal.changes import Changes
from kagents_tui.journal.mail import keep_within
from kagents_tui.journal_view import JournalView
from kagents_tui.queueing import Queue, Turn
from kagents_tui.rows.fields import line, whole
from kagents_tui.rows.teams import Key, Team, finished

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_tui.feed import Batch

AT_ONCE: Final = 8
"""Teams that are caught up with at the same time; the command line asks as many."""
LIVE_TEAMS: Final = 50
"""Teams that are followed: each is a stream."""
READ_TEAMS: Final = 500
"""Teams that are read at all; the others are told of, and the way to see them."""
AGAIN_SECONDS: Final = 60.0
"""When a team that is not followed is read again."""
TURN_SECONDS: Final = 10.0
"""So long one team may keep others waiting."""
BUSY_SECONDS: Final = 0.002
"""Work on what lies ready of one team before others, and keys, have their turn."""
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 30.0

MAIL: Final = ("message", "delivery", "seen", "resent")
TASKS: Final = ("task",)
State = Literal["waiting", "reading", "live", "read", "ended", "lost"]


@dataclass(slots=True)
class Source:
    """One team's journal. ``since`` is when it came into its state; ``why`` it cannot be read now."""

    team: Team
    view: JournalView
    changes: Changes
    since: datetime
    state: State = "waiting"
    why: SafeText = field(default_factory=lambda: line(""))
    known: bool = False
    """It was read to its end once."""
    followed: bool = False


class Gathering:
    """The sources, kept while ``run`` runs. ``on_change`` hears that there is something new."""

    def __init__(
        self,
        client: "Client",
        kinds: tuple[str, ...],
        on_change: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self.sources: dict[Key, Source] = {}
        self.left_out: dict[Key, Team] = {}
        """Teams beyond ``READ_TEAMS``."""
        self._client, self._kinds, self._on_change, self._now = client, kinds, on_change, now
        self._queue = Queue(AT_ONCE, TURN_SECONDS)
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._news: dict[Key, Source] = {}
        self._parted: list[Source] = []

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for key in self.sources:
                self._begin(key)
            await asyncio.Event().wait()

    # The teams

    def take(self, batch: "Batch") -> None:
        """Takes changed teams in; None is one that is gone, or that is not asked for any more."""
        for key, team in batch.items():
            self.left_out.pop(key, None)
            source = self.sources.get(key)
            if source is not None and (team is None or team.uid != source.team.uid):
                self._end(key)
                source = None
            if team is not None and source is not None:
                source.team = team
            elif team is not None:
                self.left_out[key] = team
        while self.left_out and len(self.sources) < READ_TEAMS:
            self._admit(self.left_out.pop(next(iter(self.left_out))))

    def _admit(self, team: Team) -> None:
        view = JournalView()
        self.sources[team.key] = Source(team, view, view.watch(), self._now())
        self._begin(team.key)
        self._on_change()

    def _begin(self, key: Key) -> None:
        if self._group is not None and key not in self._tasks:
            self._tasks[key] = self._group.create_task(self._keep(self.sources[key]))

    def _end(self, key: Key) -> None:
        source = self.sources.pop(key)
        self._news.pop(key, None)
        self._parted.append(source)
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
        self._on_change()

    def news(self) -> tuple[list[Source], list[Source]]:
        """The sources that are no more, and those with something new, since this was last asked."""
        parted, changed = self._parted, list(self._news.values())
        self._parted, self._news = [], {}
        return parted, changed

    # One journal

    async def _keep(self, source: Source) -> None:
        """Reads a journal and what comes after it, until its team has ended or is gone."""
        from kagents_core.kube.errors import Forbidden
        from kagents_tui.journal_stream import NoJournalError

        wait = FIRST_WAIT
        while True:
            before, pause = source.view.sequence, 0.0
            try:
                await self._read(source)
                # The hub of an ended team may still write for a while. Followed, it was read to its end.
                if finished(source.team) and (source.followed or source.view.sequence == before):
                    self._stand(source, "ended")
                    return
                pause = wait if source.followed else AGAIN_SECONDS
            except Exception as error:
                self._stand(source, "lost", str(error) or type(error).__name__)
                if isinstance(error, NoJournalError) and finished(source.team):
                    return  # its hub is gone for good
                pause = AGAIN_SECONDS if isinstance(error, Forbidden) else wait
            finally:
                source.followed = False
            wait = FIRST_WAIT if source.view.sequence > before else min(LONGEST_WAIT, wait * 2)
            await asyncio.sleep(pause)

    async def _read(self, source: Source) -> None:
        turn = await self._queue.take((finished(source.team), source.known))
        live = sum(each.followed for each in self.sources.values())
        source.followed = live < LIVE_TEAMS
        if not source.known:
            self._stand(source, "reading")
        try:
            async with aclosing(self._entries(source)) as entries:
                await self._take_in(source, entries, turn)
        finally:
            turn.give()
        source.known = True
        if not source.followed:
            self._stand(source, "read")

    def _entries(self, source: Source) -> AsyncGenerator[Mapping[str, Any]]:
        from kagents_tui.journal_stream import stream

        return stream(
            self._client,
            source.team.object(),
            after=source.view.sequence,
            follow=source.followed,
            kinds=self._kinds,
            patience=0.0,
        )

    async def _take_in(self, source: Source, entries: AsyncGenerator[Mapping[str, Any]], turn: Turn) -> None:
        began = monotonic()
        async for entry in entries:
            kind = entry.get("kind")
            if kind == "live":
                turn.give()
                source.known = True
                self._stand(source, "live")
            elif kind in self._kinds:
                source.view.apply(entry)
                self._news[source.team.key] = source
                self._on_change()
            else:
                source.view.sequence = max(source.view.sequence, whole(entry.get("seq")))
            if monotonic() - began > BUSY_SECONDS:
                keep_within([each.view for each in self.sources.values()])
                await asyncio.sleep(0)
                began = monotonic()
        keep_within([each.view for each in self.sources.values()])

    def _stand(self, source: Source, state: State, why: str = "") -> None:
        if source.state != state or state == "read":
            source.since = self._now()
        source.state, source.why = state, line(why, 300)
        self._on_change()

    # How it stands

    def in_state(self, *states: State) -> list[Source]:
        """The sources that stand so."""
        return [each for each in self.sources.values() if each.state in states]

    @property
    def dropped(self) -> int:
        """Older messages that went because there is too much mail."""
        return sum(each.view.dropped_mail for each in self.sources.values())

    def standing(self) -> Iterator[Source]:
        """Every source, those that cannot be read first, then by name."""
        order: dict[State, int] = {"lost": 0, "waiting": 1, "reading": 1, "read": 2, "live": 3, "ended": 4}
        yield from sorted(self.sources.values(), key=lambda each: (order[each.state], each.team.key))


def wanted(batch: "Batch", chosen: Callable[[Team], bool]) -> "Batch":
    """The batch as a gathering takes it that is only about some teams."""
    return {key: team if team is not None and chosen(team) else None for key, team in batch.items()}
