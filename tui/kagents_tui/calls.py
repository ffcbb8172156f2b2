"""Calls the person from outside of the window: a count in the title, a notification for what is new.

A notification comes once for each thing that waits, and only while the terminal is not focused.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from typing import Final

from kagents_tui import terminal_writing
from kagents_tui.rows.attention import Need
from kagents_tui.rows.teams import Team

REMEMBERED: Final = 20_000
NAMED: Final = 3
"""So many new things are named one by one; more are counted."""


class Calls:
    """What the person was called for already."""

    def __init__(self, write: Callable[[str], None], kind: terminal_writing.Notice) -> None:
        self._write = write
        self._kind = kind
        self._title = ""
        self._known: dict[Hashable, None] = {}

    def count(self, waiting: int) -> None:
        """Shows in the title how many teams need a person."""
        words = f"{waiting} need you - kagents" if waiting else "kagents"
        if words != self._title:
            self._title = words
            self._write(terminal_writing.title(words))

    def look(self, teams: Iterable[Team], now: datetime, *, silent: bool) -> None:
        """Calls for what waits now and did not before. ``silent``: the person sees it, or has just come."""
        new = [
            (identity, team, need)
            for team, need in waiting(teams, now)
            if (identity := (team.uid, need.kind, need.agent, need.event, need.since)) not in self._known
        ]
        self._known.update((identity, None) for identity, _, _ in new)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        if silent or not new:
            return
        words = [f"{team.key[0]}/{team.key[1]}: {need.words(now)}" for _, team, need in new[:NAMED]]
        if len(new) > NAMED:
            words.append(f"{len(new) - NAMED} more need you")
        said = [terminal_writing.notice(self._kind, each) for each in words]
        # Several bells at once are one.
        self._write("".join(said[:1] if self._kind == "bell" else said))


def waiting(teams: Iterable[Team], now: datetime) -> Iterator[tuple[Team, Need]]:
    """What a person must decide, most pressing first in each team."""
    for team in teams:
        for need in team.needs:
            if need.for_person and need.counts(now):
                yield team, need
