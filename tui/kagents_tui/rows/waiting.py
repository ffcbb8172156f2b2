"""One list over all teams of what asks for attention: the most urgent kind first, in it the longest wait."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age
from kagents_tui.rows.attention import RANKS, Need
from kagents_tui.rows.cells import Cell, Column, Scene, Tone, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key, Team

NAMES: Final = {
    "gate": "gate",
    "delivery": "delivery",
    "failed": "failed",
    "plan": "plan",
    "permission": "permission",
    "question": "question",
    "asks": "asks",
    "mail": "stale mail",
    "silent": "silent",
    "restarts": "restarts",
    "held": "held",
    "budget": "budget",
}
"""What the list calls each kind; a request by what is asked."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing of one team that asks for attention. ``key`` holds the team's UID: a new team is another."""

    key: tuple[str, ...]
    team: Team
    need: Need

    @property
    def kind(self) -> str:
        """The kind in a word; of a request what is asked."""
        request = self.need.request
        return NAMES[request.kind if request is not None else self.need.kind]

    @property
    def since(self) -> datetime | None:
        """Since when it waits, where that is known; a gate, at most as long as its team."""
        return self.need.since or (self.team.created if self.need.kind == "gate" else None)


def waiting_of(teams: Iterable[Team], now: datetime) -> list[Waiting]:
    """Everything that counts now, in the list's own order."""
    found = [
        Waiting(_key(team, need), team, need) for team in teams for need in team.needs if need.counts(now)
    ]
    return sorted(found, key=lambda each: order(each, now))


def _key(team: Team, need: Need) -> tuple[str, ...]:
    what = need.request.id if need.request is not None else need.event
    if need.failure is not None:  # a delivery that failed again is another thing
        what = f"{need.failure.retry}\n{need.failure.message}"
    return (*team.key, team.uid, need.kind, need.agent, what)


def order(item: Waiting, now: datetime) -> tuple[int, float, tuple[str, ...]]:
    """The most urgent kind first, then what waits longest."""
    return (item.need.rank, waited(item), item.key)


def waited(item: Waiting) -> float:
    """Smaller is longer."""
    return item.since.timestamp() if item.since else 0.0


def changes(
    shown: Mapping[Hashable, Waiting], batch: Mapping[Key, Team | None], now: datetime
) -> dict[Hashable, Waiting | None]:
    """What changed teams mean for what is shown: None for what asks no more."""
    found: dict[Hashable, Waiting | None] = {
        key: None for key, each in shown.items() if each.team.key in batch
    }
    for item in waiting_of((team for team in batch.values() if team is not None), now):
        found[item.key] = item
    return found


def tone(need: Need) -> Tone:
    """How pressing it looks."""
    return "warn" if need.for_person else "bad" if need.kind == "failed" else "plain"


def glyph(item: Waiting, scene: Scene) -> Cell:
    """Who must act: a person decides, something failed, or it is worth a look."""
    symbols = scene.symbols
    if item.need.for_person:
        return cell(symbols.person, "warn")
    return cell(symbols.failed, "bad") if item.need.kind == "failed" else cell(symbols.warning, "accent")


def what(item: Waiting) -> SafeText:
    """What is asked for, without what other columns tell."""
    if item.need.failure is not None:
        return line(item.need.failure.message)
    request = item.need.request
    if request is None:
        return item.need.text
    return request.summary or request.tool


COLUMNS: tuple[Column[Waiting], ...] = (
    Column("", glyph, 1, 1),
    Column("KIND", lambda w, s: cell(w.kind, tone(w.need)), 10, 10, sort=lambda w: RANKS[w.need.kind]),
    Column("NAMESPACE", lambda w, s: Cell(w.team.namespace), 9, 20, drop=3, sort=lambda w: w.key),
    Column("TEAM", lambda w, s: Cell(w.team.name, "strong"), 10, 26, sort=lambda w: w.key[1:]),
    Column("AGENT", lambda w, s: Cell(w.need.agent), 8, 20, drop=2, sort=lambda w: w.need.agent),
    Column("WHAT", lambda w, s: Cell(what(w), tone(w.need)), 21, 90, grow=True, sort=what),
    Column("AGE", lambda w, s: cell(age(s.now, w.since)), 5, 5, drop=1, right=True, sort=lambda w: waited(w)),
)


def search_text(item: Waiting) -> str:
    """What a filter looks at."""
    return f"{item.kind} {item.team.namespace} {item.team.name} {item.need.agent} {item.need.text}"


def as_data(item: Waiting) -> dict[str, object]:
    """The item for programs: texts exactly as cleaned for a person."""
    request = item.need.request
    found: dict[str, object] = {
        "namespace": item.team.key[0],
        "team": item.team.key[1],
        "uid": item.team.uid,
        "kind": item.kind,
        "agent": str(item.need.agent) or None,
        "what": str(line(what(item))),
        "since": item.since.isoformat() if item.since else None,
        "forPerson": item.need.for_person,
    }
    if request is not None:
        found["request"] = request.id
    if item.need.event:
        found["event"] = item.need.event
    return found
