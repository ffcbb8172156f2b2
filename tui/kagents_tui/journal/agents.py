"""Agents of a journal: what each does now, since when, and that it is played by a script."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kagents_core.safetext import SafeText
from kagents_tui.journal.timeline import tell
from kagents_tui.rows.fields import line, moment

if TYPE_CHECKING:
    from kagents_tui.journal_view import JournalView

TOLD = {
    "waiting-permission": "asks a person",
    "starting": "starts",
    "failed": "failed",
    "ended": "ended",
}
"""States that are worth a line; working and idle come and go."""


@dataclass(frozen=True, slots=True)
class AgentActivity:
    """What an agent does now, and what it cost so far in micro-dollars."""

    agent: SafeText
    state: SafeText
    detail: SafeText
    since: datetime | None
    simulated: bool
    cost: int = 0


def activity(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """An agent does something else."""
    agent = line(entry.get("agent"), 100)
    before = view.activity.get(agent)
    state = line(entry.get("state"), 40)
    view.activity[agent] = AgentActivity(
        agent=agent,
        state=state,
        detail=line(entry.get("detail"), 300),
        since=moment(entry.get("at")),
        simulated=entry.get("simulated") is True or (before is not None and before.simulated),
        cost=before.cost if before else 0,
    )
    noted(view)
    if state in TOLD:
        tone = {"failed": "bad", "waiting-permission": "warn"}.get(state, "plain")
        tell(view, entry, number, f"{agent} {TOLD[state]}", tone)


def spent(view: "JournalView", agent: SafeText, micros: int) -> None:
    """Adds to what an agent cost."""
    before = view.activity.get(agent) or AgentActivity(agent, line(""), line(""), None, False)
    view.activity[agent] = replace(before, cost=before.cost + micros)
    noted(view)


def noted(view: "JournalView") -> None:
    """Tells the watchers."""
    for watcher in view.watchers:
        watcher.agents = True
