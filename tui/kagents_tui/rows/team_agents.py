"""Agents across all teams, as the teams' own status tells of them: made anew when a team changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, Tone, cell
from kagents_tui.rows.fields import line, mapping, micros, moment, sequence, whole
from kagents_tui.rows.teams import Team, count_cell, finished, money

Key = tuple[str, str, str]
"""Namespace, team and agent, exactly as the object has them."""


@dataclass(frozen=True, slots=True)
class TeamAgent:
    """One agent and the team it belongs to."""

    key: Key
    team: Team
    place: int
    """Its number in the manifest; the lead is 0."""
    name: SafeText
    role: SafeText
    phase: SafeText
    activity: SafeText
    detail: SafeText
    since: datetime | None
    restarts: int
    unread: int
    oldest: datetime | None
    model: SafeText
    cost: int | None
    gate: str
    simulated: bool


@lru_cache(maxsize=4096)
def _known_word(value: str, limit: int) -> SafeText:
    return line(value, limit)


def word(value: object, limit: int = 100) -> SafeText:
    """``line`` for the few words that many agents share: each is cleaned once."""
    short = isinstance(value, str) and len(value) <= 100
    return _known_word(value, limit) if short else line(value, limit)


def agents_of(team: Team) -> list[TeamAgent]:
    """Every declared agent of a team, the lead first. Never raises on a malformed object."""
    document = team.object()
    spec, status = mapping(document.get("spec")), mapping(document.get("status"))
    reported = {str(each.get("agent")): each for each in map(mapping, sequence(status.get("activity")))}
    shown = {str(each.get("name")): each for each in map(mapping, sequence(status.get("teammates")))}
    declared: list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]] = []
    if spec.get("lead") is not None:
        declared.append(("lead", "lead", mapping(spec.get("lead")), mapping(status.get("lead"))))
    for teammate in map(mapping, sequence(spec.get("teammates"))):
        name = str(teammate.get("name", ""))
        declared.append((name, "teammate", teammate, mapping(shown.get(name))))
    return [
        _agent(team, place, name, role, declared_as, seen, mapping(reported.get(name)), spec.get("harness"))
        for place, (name, role, declared_as, seen) in enumerate(declared)
    ]


def _agent(
    team: Team,
    place: int,
    name: str,
    role: str,
    declared: Mapping[str, Any],
    shown: Mapping[str, Any],
    reported: Mapping[str, Any],
    harness: object,
) -> TeamAgent:
    gate = shown.get("pendingApproval")
    return TeamAgent(
        key=(*team.key, name),
        team=team,
        place=place,
        name=word(name, 100),
        role=word(role),
        phase=word(shown.get("phase") or "Pending", 40),
        activity=word(reported.get("state"), 40),
        detail=line(gate or reported.get("detail") or shown.get("waitingFor"), 300),
        since=moment(reported.get("since")),
        restarts=whole(shown.get("restartCount")),
        unread=whole(reported.get("unread")),
        oldest=moment(reported.get("oldestUnreadAt")),
        model=word(declared.get("model"), 60),
        cost=micros(reported.get("cost")),
        gate=gate if isinstance(gate, str) else "",
        simulated=(declared.get("harness") or harness) == "simulated" or reported.get("simulated") is True,
    )


def asks(agent: TeamAgent) -> bool:
    """Whether a person must decide something of it."""
    return bool(agent.gate) or agent.activity == "waiting-permission"


def failed(agent: TeamAgent) -> bool:
    """Whether it has failed."""
    return agent.phase == "Failed" or agent.activity == "failed"


def stale(agent: TeamAgent, now: datetime) -> bool:
    """Whether its mail lies unread for too long."""
    mail = (each for each in agent.team.needs if each.kind == "mail" and each.agent == agent.name)
    return any(each.counts(now) for each in mail)


def over(agent: TeamAgent) -> bool:
    """Whether nothing more comes of it: it is done, or its team has ended."""
    return agent.phase == "Completed" or finished(agent.team)


def needs_person(agent: TeamAgent, now: datetime) -> bool:
    """Whether a person should look at it."""
    if over(agent):
        return False
    return asks(agent) or failed(agent) or stale(agent, now) or agent.restarts > 0


def order(agent: TeamAgent, now: datetime) -> tuple[int, str, str, int]:
    """What needs a person first, then what works, waits, has ended; within it by team and manifest."""
    ranks = {"working": 3, "starting": 4, "idle": 4}
    if over(agent):
        rank = 9
    elif asks(agent):
        rank = 0
    elif failed(agent):
        rank = 1
    else:
        rank = 2 if needs_person(agent, now) else ranks.get(agent.activity, 5)
    return (rank, agent.team.namespace, agent.team.name, agent.place)


def glyph(agent: TeamAgent, scene: Scene) -> Cell:
    """One glyph: what it does."""
    symbols = scene.symbols
    if asks(agent) and not over(agent):
        return cell(symbols.person, "warn")
    if failed(agent):
        return cell(symbols.failed, "bad")
    if over(agent):
        return cell(symbols.done if agent.phase == "Completed" else symbols.stopped, "dim")
    if agent.activity == "working":
        return cell(symbols.working, "good")
    return cell(symbols.waiting, "accent")


def activity_cell(agent: TeamAgent, scene: Scene) -> Cell:
    """What it does in a word, with the detail that a person needs."""
    tone: Tone = "warn" if asks(agent) else "bad" if failed(agent) else "good"
    if agent.gate:
        return cell(f"approve {agent.gate}", tone)
    word = {"waiting-permission": "asks"}.get(agent.activity, str(agent.activity))
    if not word:
        return cell(agent.detail or scene.symbols.dash, "dim")
    more = f": {agent.detail}" if agent.detail else ""
    return cell(f"{word}{more}", tone if word != "idle" else "dim")


def unread_cell(agent: TeamAgent, scene: Scene) -> Cell:
    """How many messages lie unread, and for how long."""
    if not agent.unread:
        return cell(scene.symbols.dash, "dim")
    late = stale(agent, scene.now)
    mark = f" {scene.symbols.warning}" if late else ""
    return cell(f"{agent.unread} {age(scene.now, agent.oldest)}{mark}", "warn" if late else "accent")


def started(agent: TeamAgent) -> float:
    """For sorting: since when, the latest first."""
    return -agent.since.timestamp() if agent.since else 0.0


def origin(agent: TeamAgent, scene: Scene) -> Cell:
    """The mark of a scripted agent."""
    return cell("[simulated]" if agent.simulated else "", "accent")


def by_script(agent: TeamAgent) -> bool:
    """For sorting: scripted agents first."""
    return not agent.simulated


def cost_cell(agent: TeamAgent, scene: Scene) -> Cell:
    """Its cost so far; ``~`` when no gateway has counted it."""
    return cell(money(agent.cost, estimated=agent.team.estimated))


COLUMNS: tuple[Column[TeamAgent], ...] = (
    Column("", glyph, 1, 1),
    Column("AGENT", lambda a, s: Cell(a.name, "strong"), 10, 24, sort=lambda a: (a.name, a.key)),
    Column("NAMESPACE", lambda a, s: Cell(a.team.namespace), 9, 20, drop=7, sort=lambda a: a.key),
    Column("TEAM", lambda a, s: Cell(a.team.name), 10, 28, drop=2, sort=lambda a: (a.team.name, a.key)),
    Column("ROLE", lambda a, s: Cell(a.role, "dim"), 8, 8, drop=11, sort=lambda a: (a.role, a.key)),
    Column("PHASE", lambda a, s: Cell(a.phase), 7, 10, drop=5, sort=lambda a: a.phase),
    Column("ACTIVITY", activity_cell, 22, 70, grow=True, drop=1, sort=lambda a: (a.activity, a.detail)),
    Column("SINCE", lambda a, s: cell(age(s.now, a.since)), 5, 5, drop=4, right=True, sort=started),
    Column("RST", lambda a, s: count_cell(a.restarts, s), 3, 4, drop=8, sort=lambda a: -a.restarts),
    Column("UNREAD", unread_cell, 6, 9, drop=3, sort=lambda a: -a.unread),
    Column("MODEL", lambda a, s: Cell(a.model, "dim"), 6, 16, drop=10, sort=lambda a: a.model),
    Column("COST", cost_cell, 6, 8, wide=True, sort=lambda a: -(a.cost or 0)),
    Column(
        "BY",
        lambda a, s: cell("[simulated]" if a.simulated else "", "accent"),
        11,
        11,
        6,
        quiet=True,
        sort=by_script,
    ),
)


def search_text(agent: TeamAgent) -> str:
    """What a filter looks at."""
    team = agent.team
    state = f"{agent.role} {agent.phase} {agent.activity} {agent.detail}"
    return f"{agent.name} {team.namespace}/{team.name} {state}"
