"""The timeline of a journal: one line for everything a person would want to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText
from kagents_tui.rows.fields import line, moment, whole
from kagents_tui.rows.sizes import size

if TYPE_CHECKING:
    from kagents_tui.journal_view import JournalView

TIMELINE_LIMIT: Final = 5_000
BAD_ENDS: Final = ("Failed", "TimedOut", "BudgetExceeded")


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline."""

    key: str
    at: datetime | None
    what: SafeText
    tone: str = "plain"


def tell(view: "JournalView", entry: Mapping[str, Any], number: str, what: str, tone: str = "plain") -> None:
    """Adds a line; the oldest goes once there are ``TIMELINE_LIMIT``."""
    if len(view.timeline) >= TIMELINE_LIMIT:
        oldest = view.timeline.popleft()
        for watcher in view.watchers:
            watcher.timeline[oldest.key] = None
    told = Happening(number, moment(entry.get("at")), line(what), tone)
    view.timeline.append(told)
    for watcher in view.watchers:
        watcher.timeline[number] = told


def request(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """What the lead or an agent asked of the recorder."""
    agent, kind = line(entry.get("agent"), 100), entry.get("request")
    if kind == "dismiss":
        tell(view, entry, number, f"{agent} dismisses {line(entry.get('teammate'), 100)}")
    elif kind == "finish":
        tell(view, entry, number, f"{agent} finishes: {line(entry.get('summary'), 300)}", "good")
    elif kind == "report":
        key, value = line(entry.get("key"), 100), line(entry.get("value"), 200)
        tell(view, entry, number, f"{agent} reports {key}: {value}")


def phase(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """The team's phase changed."""
    name, why = line(entry.get("phase"), 40), line(entry.get("message"), 300)
    tone = "bad" if name in BAD_ENDS else "good" if name == "Completed" else "plain"
    tell(view, entry, number, f"team {name}" + (f": {why}" if why else ""), tone)


def gate(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A gate waits, or was decided."""
    event, state = line(entry.get("event"), 100), line(entry.get("state"), 40)
    words = "waits for approval" if state == "waiting" else state
    tell(view, entry, number, f"gate {event} {words}", "warn" if state != "approved" else "good")


def artifact(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """An agent has ended, and left what it was to make, or not."""
    source = f"{line(entry.get('agent'), 100)}/{line(entry.get('name'), 100)}"
    if entry.get("problem"):
        tell(view, entry, number, f"{source} is missing: {line(entry.get('problem'), 300)}", "warn")
    else:
        tell(view, entry, number, f"{source} is kept: {size(whole(entry.get('size')))}", "good")


def malformed(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A file held something that could not be read."""
    view.malformed += 1
    source, reason = line(entry.get("source"), 200), line(entry.get("reason"), 200)
    tell(view, entry, number, f"unreadable entry in {source}: {reason}", "warn")


def gap(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """Entries that no log holds any more (the stream says so itself)."""
    lost = whole(entry.get("seq")) - whole(entry.get("after"))
    tell(view, entry, number, f"{lost} journal entries are lost", "warn")
