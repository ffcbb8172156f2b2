"""Gates across all teams: one row for each decision that waits for a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText, clean
from kagents_tui.artifact_states import starts_after
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, cell
from kagents_tui.rows.fields import line, mapping, metered, sequence
from kagents_tui.rows.teams import Team, cost_cell


@dataclass(frozen=True, slots=True)
class Gate:
    """One waiting gate of one team."""

    key: tuple[str, str, str]
    team: Team
    event: str
    shown_event: SafeText
    teammate: SafeText
    created: datetime | None


def gates_of(teams: Iterable[Team]) -> list[Gate]:
    """Every waiting gate, the oldest team first."""
    found = [
        Gate((*team.key, need.event), team, need.event, line(need.event, 100), need.agent, team.created)
        for team in teams
        for need in team.needs
        if need.kind == "gate"
    ]
    return sorted(found, key=lambda gate: order(gate, None))


def order(gate: Gate, now: datetime | None) -> tuple[float, tuple[str, str, str]]:
    """The oldest team first."""
    return (gate.created.timestamp() if gate.created else 0.0, gate.key)


def gate_story(team: Mapping[str, Any], event: str) -> SafeText:
    """What a person should know before deciding: who starts, with which words, after whom, at what cost."""
    metadata, spec, status = (mapping(team.get(part)) for part in ("metadata", "spec", "status"))
    name = event.removeprefix("spawn-")
    declared: Mapping[str, Any] = {}
    for teammate in map(mapping, sequence(spec.get("teammates"))):
        if teammate.get("name") == name:
            declared = teammate
    after = ", ".join(starts_after(declared)) or "nobody"
    limit = mapping(spec.get("lifecycle")).get("budgetLimit")
    spent = status.get("estimatedCost")
    sign = "~" if spent and not metered(status.get("usage")) else ""
    cost = f"{sign}${spent or '0.00'}" + (f" of ${limit}" if limit else "")
    mark = " [simulated]" if (declared.get("harness") or spec.get("harness")) == "simulated" else ""
    starts = f"{line(name, 100)} ({line(declared.get('model') or 'default model', 60)}){mark}"
    if event == "finish":
        starts = "what the team does at its end"
    facts = [
        f"team       {line(metadata.get('namespace'))}/{line(metadata.get('name'))}",
        f"uid        {line(metadata.get('uid'))}",
        f"gate       {line(event, 100)}",
        f"starts     {starts}",
        f"waits on   {line(after, 300)}",
        f"cost       {line(cost, 60)} so far",
        "",
        "prompt",
    ]
    return clean("\n".join(facts) + "\n" + str(declared.get("prompt") or "(none)"), limit=20_000)


COLUMNS: tuple[Column[Gate], ...] = (
    Column("", lambda g, s: cell(s.symbols.person, "warn"), 1, 1),
    Column("NAMESPACE", lambda g, s: Cell(g.team.namespace), 9, 20, drop=3, sort=lambda g: g.key),
    Column("TEAM", lambda g, s: Cell(g.team.name, "strong"), 10, 32, sort=lambda g: g.key[1:]),
    Column("GATE", lambda g, s: Cell(g.shown_event, "warn"), 12, 50, grow=True, sort=lambda g: g.event),
    Column("TEAMMATE", lambda g, s: Cell(g.teammate), 8, 24, drop=2, sort=lambda g: g.teammate),
    Column("COST", lambda g, s: cost_cell(g.team, s), 7, 13, drop=1, sort=lambda g: -(g.team.cost or 0)),
    Column(
        "AGE", lambda g, s: cell(age(s.now, g.created)), 5, 5, right=True, sort=lambda g: -order(g, None)[0]
    ),
)


def search_text(gate: Gate) -> str:
    """What a filter looks at."""
    return f"{gate.team.namespace} {gate.team.name} {gate.event} {gate.teammate}"
