"""Folds journal entries (docs/internals.md section 3) into what a team view shows: mail, tasks, timeline.

No I/O and no clock: the same entries give the same view. Entries may come twice after a reconnect; a sequence
number that was seen already is ignored. Kinds and fields that are not known are ignored.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_core.wording import in_words
from kagents_tui.rows.fields import line, mapping, moment, sequence, whole

MAIL_LIMIT: Final = 20_000
"""Messages kept; the oldest go first, and the view says how many went."""

TIMELINE_LIMIT: Final = 5_000
TEXT_LIMIT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, with what is known of its way."""

    key: str
    sender: SafeText
    receiver: SafeText
    kind: SafeText
    text: SafeText
    summary: SafeText
    written: datetime | None
    delivered: datetime | None = None
    seen: datetime | None = None
    resent: int = 0

    def state(self) -> str:
        """``waiting`` in the mailbox, ``delivered`` but not yet looked at, or ``seen``."""
        return "seen" if self.seen else "delivered" if self.delivered else "waiting"

    def took(self) -> timedelta | None:
        """Written until seen, or until delivered; None while it waits or when a time is missing."""
        end = self.seen or self.delivered
        return end - self.written if end and self.written else None


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the shared list."""

    key: str
    number: SafeText
    subject: SafeText
    description: SafeText
    status: str
    owner: SafeText
    blocked_by: tuple[SafeText, ...]
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline."""

    key: str
    at: datetime | None
    what: SafeText
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class AgentActivity:
    """What an agent does now, and what it cost so far in micro-dollars."""

    agent: SafeText
    state: SafeText
    detail: SafeText
    since: datetime | None
    simulated: bool
    cost: int = 0


@dataclass(slots=True)
class JournalView:
    """The fold. ``apply`` is the only way in."""

    sequence: int = 0
    live: bool = False
    mail: dict[str, Mail] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    timeline: deque[Happening] = field(default_factory=lambda: deque(maxlen=TIMELINE_LIMIT))
    activity: dict[str, AgentActivity] = field(default_factory=dict)
    unseen: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    """Of each receiver: the messages it has not seen yet, and when they were written."""
    dropped_mail: int = 0
    malformed: int = 0

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

    def unread(self, agent: str) -> tuple[int, datetime | None]:
        """How many messages an agent has not seen yet, and when the oldest of them was written."""
        waiting = self.unseen.get(agent, {})
        return len(waiting), min((at for at in waiting.values() if at), default=None)

    def current_task(self, agent: str) -> Task | None:
        """The task an agent has in progress."""
        for task in self.tasks.values():
            if task.owner == agent and task.status == "in_progress":
                return task
        return None


def message(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    key = str(entry.get("id") or number)
    if key in view.mail:
        return
    view.mail[key] = Mail(
        key=key,
        sender=line(entry.get("from"), 100),
        receiver=line(entry.get("to"), 100),
        kind=line(entry.get("type") or "message", 60),
        text=clean(in_words(entry), limit=TEXT_LIMIT),
        summary=line(entry.get("summary"), 300),
        written=moment(entry.get("written")) or moment(entry.get("at")),
    )
    kept = view.mail[key]
    view.unseen.setdefault(kept.receiver, {})[key] = kept.written
    if len(view.mail) > MAIL_LIMIT:
        oldest = view.mail.pop(next(iter(view.mail)))
        view.unseen.get(oldest.receiver, {}).pop(oldest.key, None)
        view.dropped_mail += 1


def delivery(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        at = moment(entry.get("delivered")) or moment(entry.get("at"))
        view.mail[mail.key] = replace(mail, delivered=at)


def seen(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        view.mail[mail.key] = replace(mail, seen=moment(entry.get("seen")) or moment(entry.get("at")))
        view.unseen.get(mail.receiver, {}).pop(mail.key, None)


def resent(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        view.mail[mail.key] = replace(mail, resent=mail.resent + 1, delivered=None, seen=None)
        view.unseen.setdefault(mail.receiver, {})[mail.key] = mail.written
    tell(view, entry, number, f"mail put back for {line(entry.get('agent'), 100)}", "warn")


def task(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    key, native = str(entry.get("id")), entry.get("task")
    if native is None:
        view.tasks.pop(key, None)
        tell(view, entry, number, f"task {line(key, 40)} deleted")
        return
    fields, before = mapping(native), view.tasks.get(key)
    now = Task(
        key=key,
        number=line(key, 40),
        subject=line(fields.get("subject"), 300),
        description=clean(str(fields.get("description") or ""), limit=TEXT_LIMIT),
        status=str(fields.get("status") or "pending"),
        owner=line(fields.get("owner"), 100),
        blocked_by=tuple(line(each, 40) for each in sequence(fields.get("blockedBy"))[:20]),
        changed=moment(entry.get("at")),
    )
    view.tasks[key] = now
    if before is None:
        tell(view, entry, number, f"task {now.number} created: {now.subject}")
    elif before.status != now.status:
        words = {"in_progress": "started", "completed": "completed", "pending": "reopened"}.get(
            now.status, now.status
        )
        by = f" by {now.owner}" if now.owner else ""
        tell(
            view, entry, number, f"task {now.number} {words}{by}", "good" if words == "completed" else "plain"
        )


def activity(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    agent = line(entry.get("agent"), 100)
    before = view.activity.get(agent)
    view.activity[agent] = AgentActivity(
        agent=agent,
        state=line(entry.get("state"), 40),
        detail=line(entry.get("detail"), 300),
        since=moment(entry.get("at")),
        simulated=entry.get("simulated") is True or (before is not None and before.simulated),
        cost=before.cost if before else 0,
    )
    state = view.activity[agent].state
    if state in ("starting", "failed", "ended", "waiting-permission"):
        words = {"waiting-permission": "asks for a permission", "starting": "starts"}.get(state, str(state))
        tone = "bad" if state == "failed" else "warn" if state == "waiting-permission" else "plain"
        tell(view, entry, number, f"{agent} {words}", tone)


def usage(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    agent = line(entry.get("agent"), 100)
    before = view.activity.get(agent) or AgentActivity(agent, line(""), line(""), None, False)
    view.activity[agent] = replace(before, cost=before.cost + max(0, whole(entry.get("costMicros"))))


def request(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    agent, kind = line(entry.get("agent"), 100), entry.get("request")
    if kind == "dismiss":
        tell(view, entry, number, f"{agent} dismisses {line(entry.get('teammate'), 100)}")
    elif kind == "finish":
        tell(view, entry, number, f"{agent} finishes: {line(entry.get('summary'), 300)}", "good")
    elif kind == "report":
        tell(
            view,
            entry,
            number,
            f"{agent} reports {line(entry.get('key'), 100)}: {line(entry.get('value'), 200)}",
        )


def phase(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    name, why = line(entry.get("phase"), 40), line(entry.get("message"), 300)
    tone = (
        "bad"
        if name in ("Failed", "TimedOut", "BudgetExceeded")
        else "good"
        if name == "Completed"
        else "plain"
    )
    tell(view, entry, number, f"team {name}" + (f": {why}" if why else ""), tone)


def gate(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    event, state = line(entry.get("event"), 100), line(entry.get("state"), 40)
    words = "waits for approval" if state == "waiting" else state
    tell(view, entry, number, f"gate {event} {words}", "warn" if state != "approved" else "good")


def malformed(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    view.malformed += 1
    source, reason = line(entry.get("source"), 200), line(entry.get("reason"), 200)
    tell(view, entry, number, f"unreadable entry in {source}: {reason}", "warn")


def gap(view: JournalView, entry: Mapping[str, Any], number: str) -> None:
    """Entries that no log holds any more (the stream says so itself)."""
    lost = whole(entry.get("seq")) - whole(entry.get("after"))
    tell(view, entry, number, f"{lost} journal entries are lost", "warn")


def tell(view: JournalView, entry: Mapping[str, Any], number: str, what: str, tone: str = "plain") -> None:
    view.timeline.append(Happening(number, moment(entry.get("at")), line(what), tone))


FOLDS: Final = {
    "message": message,
    "delivery": delivery,
    "seen": seen,
    "resent": resent,
    "task": task,
    "activity": activity,
    "usage": usage,
    "request": request,
    "phase": phase,
    "gate": gate,
    "malformed": malformed,
    "gap": gap,
}
