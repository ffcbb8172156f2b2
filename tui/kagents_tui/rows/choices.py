"""What can be chosen: namespaces, contexts, what a view can do; one row each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText
from kagents_tui.actions import Action, key_words
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.fields import line, mapping, moment
from kagents_tui.rows.teams import Team, count_cell, money

ALL = "all"
"""The row that stands for every namespace, as in ``:ns all``."""
NOTHING = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace and what is known of its teams. ``name`` is as the API server has it."""

    name: str
    shown: SafeText
    here: bool
    digit: int | None
    teams: int
    working: int
    cost: int
    people: int
    created: datetime | None


def spaces_of(
    names: Iterable[str],
    teams: Iterable[Team],
    *,
    here: tuple[str, ...],
    digits: Iterable[str],
    created: Mapping[str, datetime | None],
) -> list[Space]:
    """All of them first, then each namespace with the sums of its teams, by name."""
    counted: dict[str, tuple[int, int, int, int]] = {}
    for team in teams:
        people = any(need.for_person for need in team.needs)
        for name in (ALL, team.key[0]):
            teams_so_far, working, cost, waiting = counted.get(name, NOTHING)
            counted[name] = (
                teams_so_far + 1, working + team.working, cost + (team.cost or 0), waiting + people,
            )  # fmt: skip
    places = {name: number for number, name in enumerate(digits, 1)} | {ALL: 0}
    known = sorted({*names, *counted} - {ALL})
    return [
        Space(
            name,
            line(name, 100),
            name in here or (name == ALL and not here),
            places.get(name),
            *counted.get(name, NOTHING),
            created=created.get(name),
        )
        for name in (ALL, *known)
    ]


def created_of(source: Mapping[str, Any]) -> tuple[str, datetime | None]:
    """A namespace's name and birth, from its object."""
    metadata = mapping(source.get("metadata"))
    return str(metadata.get("name", "")), moment(metadata.get("creationTimestamp"))


def here_cell(space: "Space | Context", scene: Scene) -> Cell:
    """A glyph on what is shown now."""
    return cell(scene.symbols.working if space.here else " ", "good")


SPACES: tuple[Column[Space], ...] = (
    Column("", here_cell, 1, 1),
    Column("", lambda n, s: cell("" if n.digit is None else n.digit, "accent"), 1, 1),
    Column("NAMESPACE", lambda n, s: Cell(n.shown, "strong"), 10, 63, grow=True, sort=lambda n: n.name),
    Column("TEAMS", lambda n, s: count_cell(n.teams, s), 5, 7, right=True, sort=lambda n: -n.teams),
    Column("WORKING", lambda n, s: count_cell(n.working, s), 7, 7, 3, right=True, sort=lambda n: -n.working),
    Column("COST", lambda n, s: cell(money(n.cost)), 7, 11, 2, right=True, sort=lambda n: -n.cost),
    Column("NEED YOU", lambda n, s: count_cell(n.people, s), 8, 8, 1, right=True, sort=lambda n: -n.people),
    Column("AGE", lambda n, s: cell(age(s.now, n.created)), 5, 5, 4, right=True, quiet=True),
)


@dataclass(frozen=True, slots=True)
class Context:
    """A context of the kubeconfig."""

    name: str
    shown: SafeText
    here: bool


def contexts_of(names: Iterable[str], here: str | None) -> list[Context]:
    """One row each, in the kubeconfig's order."""
    return [Context(name, line(name, 200), name == here) for name in names]


CONTEXTS: tuple[Column[Context], ...] = (
    Column("", here_cell, 1, 1),
    Column("CONTEXT", lambda c, s: Cell(c.shown, "strong"), 10, 200, grow=True, sort=lambda c: c.name),
)


def action_search(action: Action) -> str:
    """What is looked at for an action."""
    return f"{action.title} {action.command or ''} {action.help}"


ACTIONS: tuple[Column[Action], ...] = (
    Column("DO", lambda a, s: cell(a.title, "bad" if a.dangerous else "strong"), 10, 18),
    Column("KEY", lambda a, s: cell(key_words(a) or (f":{a.command}" if a.command else ""), "accent"), 6, 12),
    Column("WHAT", lambda a, s: cell(a.help, "dim"), 10, 200, grow=True),
)
"""Of a view, with the keys that they have now."""
