"""What each team has cost, also of teams that are gone: as they live, else as their record says."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText
from kagents_tui import costs
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.fields import line, mapping
from kagents_tui.rows.objects import Row, row_of
from kagents_tui.rows.teams import Key, Team, count_cell, money, phase_tone
from kagents_tui.rows.usage import tokens


@dataclass(frozen=True, slots=True)
class Spender:
    """One team. ``record`` is set for one that is told by its record."""

    namespace: SafeText
    name: SafeText
    team: Key
    team_uid: str
    phase: SafeText
    cost: int
    tokens: int
    requests: int
    estimated: bool
    since: datetime | None
    """When it began, of one that lives; when it ended, of one that is recorded."""
    labels: tuple[tuple[str, str], ...]
    record: Row | None = None

    @property
    def key(self) -> Hashable:
        """The team itself: another team of the same name is another."""
        return self.team_uid


def of_team(team: Team) -> Spender | None:
    """The row of a team that lives; None when it has cost nothing."""
    if not team.cost and not team.tokens:
        return None
    return Spender(
        team.namespace,
        team.name,
        team.key,
        team.uid,
        team.phase,
        team.cost or 0,
        team.tokens,
        team.requests,
        team.estimated,
        team.created,
        team.labels,
    )


def of_record(source: Mapping[str, Any]) -> Spender:
    """The row of an AgentUsage. Never raises on a malformed object."""
    told, row = costs.of_record(source), row_of(source)
    return Spender(
        row.namespace,
        line(mapping(source.get("spec")).get("team"), 100),
        (row.key[0], told.team),
        told.uid or row.uid,
        line(told.phase, 40),
        told.cost,
        told.tokens,
        told.requests,
        told.estimated,
        told.ended,
        tuple(told.labels.items()),
        row,
    )


class Source:
    """One of the two that tell of costs: rows by the UID of the team."""

    def __init__(self) -> None:
        self._rows: dict[str, Spender] = {}
        self._uids: dict[Key, str] = {}

    def of(self, uid: str) -> Spender | None:
        """What it tells of a team."""
        return self._rows.get(uid)

    def take(self, batch: Mapping[Key, Spender | None]) -> set[str]:
        """Takes changes in, by the name of the object; the UIDs of the teams that they are about."""
        touched = set()
        for key, row in batch.items():
            old = self._uids.pop(key, None)
            if old is not None:
                self._rows.pop(old, None)
                touched.add(old)
            if row is not None:
                self._uids[key] = row.team_uid
                self._rows[row.team_uid] = row
                touched.add(row.team_uid)
        return touched


def order(spender: Spender, now: datetime) -> tuple[int, Key]:
    """The dearest first."""
    return (-spender.cost, spender.team)


def search_text(spender: Spender) -> str:
    """What a filter looks at."""
    where = "recorded" if spender.record else "team"
    how = "estimated" if spender.estimated else "metered"
    return f"{spender.namespace} {spender.name} {spender.phase} {where} {how}"


def cost_cell(spender: Spender, scene: Scene) -> Cell:
    """Its cost; ``~`` when no gateway has counted it."""
    return cell(money(spender.cost, estimated=spender.estimated), "strong")


def _known(spender: Spender, scene: Scene) -> Cell:
    return cell("record", "dim") if spender.record else cell("team", "good")


def _how(spender: Spender, scene: Scene) -> Cell:
    return cell("estimated", "warn") if spender.estimated else cell("metered", "dim")


def _tokens(spender: Spender, scene: Scene) -> Cell:
    return cell(tokens(spender.tokens)) if spender.tokens else cell(scene.symbols.dash, "dim")


def _since(spender: Spender) -> float:
    return -spender.since.timestamp() if spender.since else 0.0


COLUMNS: tuple[Column[Spender], ...] = (
    Column("NAMESPACE", lambda c, s: Cell(c.namespace), 9, 20, drop=3, sort=lambda c: c.team),
    Column("TEAM", lambda c, s: Cell(c.name, "strong"), 20, 40, grow=True, sort=lambda c: (c.name, c.team)),
    Column("PHASE", lambda c, s: Cell(c.phase, phase_tone(c.phase)), 9, 14, drop=4, sort=lambda c: c.phase),
    Column("KNOWN BY", _known, 8, 8, drop=5, sort=lambda c: c.record is not None),
    Column("COUNTED", _how, 9, 9, drop=2, sort=lambda c: c.estimated),
    Column(
        "REQ", lambda c, s: count_cell(c.requests, s), 4, 7, drop=6, right=True, sort=lambda c: -c.requests
    ),
    Column("TOKENS", _tokens, 6, 8, drop=1, right=True, sort=lambda c: -c.tokens),
    Column("COST", cost_cell, 7, 10, right=True, sort=lambda c: -c.cost),
    Column("AGE", lambda c, s: cell(age(s.now, c.since)), 5, 5, right=True, sort=_since),
)
