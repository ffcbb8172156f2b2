"""Folds journal entries (docs/internals.md section 3) into what the views of a team show: mail, tasks, money.

No I/O and no clock: the same entries give the same view. Entries may come twice after a reconnect; a sequence
number that was seen already is ignored. Kinds and fields that are not known are ignored.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kagents_tui.journal import agents, mail, tasks, timeline, usage
from kagents_tui.journal.agents import AgentActivity
from kagents_tui.journal.changes import Changes
from kagents_tui.journal.mail import Mail
from kagents_tui.journal.tasks import Task
from kagents_tui.journal.timeline import Happening
from kagents_tui.journal.usage import Ledger
from kagents_tui.rows.fields import whole


@dataclass(slots=True)
class JournalView:
    """The fold. ``apply`` is the only way in; ``watch`` gives what changes from then on."""

    sequence: int = 0
    live: bool = False
    mail: dict[str, Mail] = field(default_factory=dict)
    """In the order in which the journal told them."""
    tasks: dict[str, Task] = field(default_factory=dict)
    timeline: deque[Happening] = field(default_factory=deque)
    activity: dict[str, AgentActivity] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    unseen: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    """Of each receiver: the messages it has not seen yet, and when they were written."""
    dropped_mail: int = 0
    mail_size: int = 0
    """Characters of all messages."""
    malformed: int = 0
    watchers: list[Changes] = field(default_factory=list)

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Takes one entry in."""
        kind, number = entry.get("kind"), whole(entry.get("seq"))
        if kind in ("live", "alive"):
            self.live = True
            return
        if number <= self.sequence:
            return
        self.sequence = number
        fold = FOLDS.get(str(kind))
        if fold is not None:
            fold(self, entry, str(number))

    def watch(self) -> Changes:
        """What is there now as one change, and everything that comes after it."""
        changes = Changes(dict(self.mail), dict(self.tasks), {each.key: each for each in self.timeline})
        self.watchers.append(changes)
        return changes

    def unwatch(self, changes: Changes) -> None:
        """Nobody looks at these changes any more."""
        self.watchers = [each for each in self.watchers if each is not changes]

    def unread(self, agent: str) -> tuple[int, datetime | None]:
        """How many messages an agent has not seen yet, and when the oldest of them was written."""
        return mail.unread(self, agent)

    def current_task(self, agent: str) -> Task | None:
        """The task an agent has in progress."""
        for task in self.tasks.values():
            if task.owner == agent and task.status == "in_progress":
                return task
        return None


FOLDS: Final[dict[str, Callable[[JournalView, Mapping[str, Any], str], None]]] = {
    "message": mail.message,
    "delivery": mail.delivery,
    "seen": mail.seen,
    "resent": mail.resent,
    "task": tasks.task,
    "activity": agents.activity,
    "usage": usage.usage,
    "request": timeline.request,
    "phase": timeline.phase,
    "gate": timeline.gate,
    "artifact": timeline.artifact,
    "malformed": timeline.malformed,
    "gap": timeline.gap,
}

__all__ = ["AgentActivity", "Changes", "Happening", "JournalView", "Mail", "Task"]
