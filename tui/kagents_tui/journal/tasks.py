"""Tasks of a journal: the shared list as it stands, what became of each task, and who laid claim to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal.timeline import tell
from kagents_tui.rows.fields import line, mapping, moment, sequence

if TYPE_CHECKING:
    from kagents_tui.journal_view import JournalView

TEXT_LIMIT: Final = 65_536
HISTORY_LIMIT: Final = 200
"""Changes of one task that are kept; the oldest go first."""

WORDS: Final = {"in_progress": "started", "completed": "completed", "pending": "reopened"}


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One change of a task: its state and owner from then on, and which fields changed."""

    at: datetime | None
    status: SafeText
    owner: SafeText
    changed: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the shared list. ``since`` is when it came into its present state."""

    key: str
    number: SafeText
    subject: SafeText
    description: SafeText
    status: SafeText
    owner: SafeText
    blocked_by: tuple[SafeText, ...]
    changed: datetime | None
    since: datetime | None = None
    blocks: tuple[SafeText, ...] = ()
    history: tuple[TaskChange, ...] = ()
    taken_from: tuple[SafeText, ...] = ()
    """Agents whose claim another one took over without their letting go; the last one first."""


def task(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A task was made, changed or deleted."""
    key, native = str(entry.get("id")), entry.get("task")
    if native is None:
        if view.tasks.pop(key, None) is not None:
            noted(view, key, None)
        tell(view, entry, number, f"task {line(key, 40)} deleted")
        return
    before = view.tasks.get(key)
    now = changed_task(key, mapping(native), before, entry)
    view.tasks[key] = now
    noted(view, key, now)
    if before is None:
        tell(view, entry, number, f"task {now.number} created: {now.subject}")
    elif before.status != now.status:
        words = WORDS.get(now.status, str(now.status))
        by = f" by {now.owner}" if now.owner else ""
        tone = "good" if words == "completed" else "plain"
        tell(view, entry, number, f"task {now.number} {words}{by}", tone)
    elif now.taken_from != before.taken_from:
        tell(view, entry, number, f"task {now.number} of {before.owner} claimed by {now.owner} too", "warn")


def noted(view: "JournalView", key: str, now: Task | None) -> None:
    """Tells the watchers; an agent's line shows its task."""
    for watcher in view.watchers:
        watcher.tasks[key] = now
        watcher.agents = True


def changed_task(key: str, fields: Mapping[str, Any], before: Task | None, entry: Mapping[str, Any]) -> Task:
    """The task as an entry has it, with what went before."""
    at = moment(entry.get("at"))
    status, owner = line(fields.get("status") or "pending", 40), line(fields.get("owner"), 100)
    changed = tuple(line(each, 60) for each in sequence(entry.get("changed"))[:20])
    history = (*(before.history if before else ()), TaskChange(at, status, owner, changed))
    return Task(
        key=key,
        number=line(key, 40),
        subject=line(fields.get("subject"), 300),
        description=clean(str(fields.get("description") or ""), limit=TEXT_LIMIT),
        status=status,
        owner=owner,
        blocked_by=numbers(fields.get("blockedBy")),
        blocks=numbers(fields.get("blocks")),
        changed=at,
        since=before.since if before is not None and before.status == status else at,
        history=history[-HISTORY_LIMIT:],
        taken_from=taken(before, owner),
    )


def taken(before: Task | None, owner: SafeText) -> tuple[SafeText, ...]:
    """Whose claims were taken over: an owner gave way to another one without the task being free between."""
    if before is None:
        return ()
    if before.owner and owner and owner != before.owner:
        return (before.owner, *(each for each in before.taken_from if each not in (owner, before.owner)))
    return before.taken_from


def numbers(value: object) -> tuple[SafeText, ...]:
    """Ids of other tasks, at most twenty."""
    return tuple(line(each, 40) for each in sequence(value)[:20])
