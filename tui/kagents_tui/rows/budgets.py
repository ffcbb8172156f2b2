"""Budgets over several teams: what is spent of them, and what they hold back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import span
from kagents_tui.rows.cells import Cell, Column, Scene, Tone, cell
from kagents_tui.rows.fields import line, mapping, micros, moment, sequence, whole
from kagents_tui.rows.objects import Row, age_cell, common
from kagents_tui.rows.teams import Key, money
from kagents_tui.rows.usage import tokens

State = Literal["invalid", "exceeded", "80 %", "ok", "new"]
ORDER: Final[tuple[State, ...]] = ("invalid", "exceeded", "80 %", "ok", "new")
TONES: Final[Mapping[State, Tone]] = {
    "invalid": "bad",
    "exceeded": "bad",
    "80 %": "warn",
    "ok": "good",
    "new": "dim",
}


@dataclass(frozen=True, slots=True)
class Budget(Row):
    """An AgentBudget."""

    period: SafeText
    spent: int
    limit: int | None
    tokens: int
    token_limit: int | None
    estimated: bool
    teams: int
    stops: bool
    state: State
    ends: datetime | None
    why: SafeText

    @property
    def share(self) -> int:
        """Percent that are spent, of the limit that is nearer."""
        shares = [self.spent * 100 // self.limit] if self.limit else []
        shares += [self.tokens * 100 // self.token_limit] if self.token_limit else []
        return max(shares, default=0)


def budget_of(source: Mapping[str, Any]) -> Budget:
    """The row of an AgentBudget. Never raises on a malformed object."""
    spec, status = mapping(source.get("spec")), mapping(source.get("status"))
    said = {str(each.get("type")): each for each in map(mapping, sequence(status.get("conditions")))}
    state, why = _state(said)
    return Budget(
        **common(source),
        period=line(spec.get("period"), 20),
        spent=max(0, whole(status.get("costMicros"))),
        limit=micros(spec.get("limit")),
        tokens=max(0, whole(status.get("tokens"))),
        token_limit=max(0, whole(spec.get("tokens"))) or None,
        estimated=status.get("estimated") is True,
        teams=max(0, whole(status.get("teams"))),
        stops=spec.get("onExceeded") == "stop",
        state=state,
        ends=moment(status.get("periodEnd")),
        why=why,
    )


def _state(said: Mapping[str, Mapping[str, Any]]) -> tuple[State, SafeText]:
    """The worst that its conditions say, and in which words."""
    kinds: tuple[tuple[str, State], ...] = (
        ("InvalidSpec", "invalid"),
        ("Exceeded", "exceeded"),
        ("Warning", "80 %"),
    )
    for kind, state in kinds:
        condition = said.get(kind)
        if condition is not None and condition.get("status") == "True":
            return state, line(condition.get("message"), 300)
    return ("ok" if said else "new"), line("")


def order(budget: Budget, now: datetime) -> tuple[int, int, Key]:
    """The worst state first, then what is nearest to its limit."""
    return (ORDER.index(budget.state), -budget.share, budget.key)


def search_text(budget: Budget) -> str:
    """What a filter looks at."""
    return f"{budget.namespace} {budget.name} {budget.period} {budget.state} {budget.why}"


def glyph(budget: Budget, scene: Scene) -> Cell:
    """One glyph for the state."""
    symbols = scene.symbols
    shapes = {"invalid": symbols.failed, "exceeded": symbols.failed, "80 %": symbols.warning}
    return cell(shapes.get(budget.state, symbols.dot), TONES[budget.state])


def spent_cell(budget: Budget, scene: Scene) -> Cell:
    """What is spent, of what may be spent; ``~`` when a part of it is estimated."""
    text = money(budget.spent, estimated=budget.estimated)
    if budget.limit is not None:
        text += "/" + f"{budget.limit / 1_000_000:.2f}".removesuffix(".00")
    return cell(text, TONES[budget.state] if budget.state in ("exceeded", "80 %") else "plain")


def tokens_cell(budget: Budget, scene: Scene) -> Cell:
    """Tokens, of those that may be used."""
    limit = f"/{tokens(budget.token_limit)}" if budget.token_limit else ""
    return cell(tokens(budget.tokens) + limit, "plain" if limit else "dim")


def ends_cell(budget: Budget, scene: Scene) -> Cell:
    """In how long the count begins anew."""
    if budget.ends is None:
        return cell(scene.symbols.dash, "dim")
    return cell(span(max(budget.ends - scene.now, budget.ends - budget.ends)))


COLUMNS: tuple[Column[Budget], ...] = (
    Column("", glyph, 1, 1),
    Column("NAMESPACE", lambda b, s: Cell(b.namespace), 9, 20, drop=5, sort=lambda b: b.key),
    Column("NAME", lambda b, s: Cell(b.name, "strong"), 10, 30, sort=lambda b: (b.name, b.key)),
    Column("PERIOD", lambda b, s: Cell(b.period), 6, 6, drop=4, sort=lambda b: b.period),
    Column("SPENT", spent_cell, 8, 18, sort=lambda b: -b.spent),
    Column("TOKENS", tokens_cell, 6, 14, drop=6, sort=lambda b: -b.tokens),
    Column(
        "USED", lambda b, s: cell(f"{b.share}%", TONES[b.state]), 4, 5, right=True, sort=lambda b: -b.share
    ),
    Column("TEAMS", lambda b, s: cell(b.teams), 5, 5, drop=3, right=True, sort=lambda b: -b.teams),
    Column("STATE", lambda b, s: cell(b.state, TONES[b.state]), 8, 8, sort=lambda b: ORDER.index(b.state)),
    Column("THEN", lambda b, s: cell("stop" if b.stops else "block"), 5, 5, drop=2, sort=lambda b: b.stops),
    Column(
        "ENDS IN", ends_cell, 7, 7, drop=1, right=True, sort=lambda b: b.ends.timestamp() if b.ends else 0.0
    ),
    Column("WHY", lambda b, s: Cell(b.why, "dim"), 10, 120, drop=7, grow=True, quiet=True),
    Column("UID", lambda b, s: cell(b.uid), 8, 36, wide=True, sort=lambda b: b.uid),
    Column("AGE", age_cell, 5, 5, wide=True, right=True),
)
