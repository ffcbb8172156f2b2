"""Tasks of all teams as one table shows them: each with its team, what is being done first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText
from kagents_tui.journal.tasks import Task
from kagents_tui.rows import tasks as rows
from kagents_tui.rows.cells import Cell, Column, cell
from kagents_tui.rows.tasks import EPOCH, Card
from kagents_tui.rows.teams import Team

Key = tuple[str, str, str]
"""Namespace, team, and the task's id."""

PLACES = ("in progress", "blocked", "pending")
"""What comes first; what is completed comes last."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A task among those of its team, and the team."""

    key: Key
    team: Team
    card: Card

    @property
    def subject(self) -> SafeText:
        """What is copied of it."""
        return self.card.task.subject


def duties(team: Team, tasks: Mapping[str, Task]) -> dict[Key, Duty]:
    """The tasks of a team as rows."""
    space, name = team.key
    return {
        (space, name, card.task.key): Duty((space, name, card.task.key), team, card)
        for card in rows.cards_of(tasks)
    }


def order(duty: Duty, now: datetime) -> Any:
    """In progress and blocked, the longest in that state first; to do by team; done, the latest first."""
    card, key = duty.card, duty.key
    place = PLACES.index(card.place) if card.place in PLACES else len(PLACES)
    since = (card.task.since or EPOCH).timestamp()
    if place == len(PLACES):
        return (place, -since, key)
    return (place, 0.0 if card.place == "pending" else since, (*key[:2], *rows.order(card.task)[1:]))


def search_text(duty: Duty) -> str:
    """What a filter looks at: the words that are shown too."""
    task = duty.card.task
    word = rows.WORDS.get(task.status, ("",))[0]
    return f"{duty.team.namespace}/{duty.team.name} {rows.card_search(duty.card)} {word}"


COLUMNS: tuple[Column[Duty], ...] = (
    Column("NAMESPACE", lambda d, s: Cell(d.team.namespace, "dim"), 11, 20, drop=4, sort=lambda d: d.key),
    Column("TEAM", lambda d, s: Cell(d.team.name, "strong"), 12, 24, sort=lambda d: (d.key[1], d.key[0])),
    Column("STATE", lambda d, s: rows.place_cell(d.card, s), 7, 13, sort=lambda d: d.card.place),
    Column("#", lambda d, s: cell(d.card.task.number, "dim"), 2, 5, drop=6),
    Column(
        "SUBJECT",
        lambda d, s: cell(d.card.task.subject),
        18,
        60,
        grow=True,
        sort=lambda d: d.card.task.subject,
    ),
    Column(
        "OWNER",
        lambda d, s: cell(d.card.task.owner or s.symbols.dash),
        9,
        22,
        drop=1,
        sort=lambda d: d.card.task.owner,
    ),
    Column("CLAIMS", lambda d, s: rows.claims(d.card.task, s), 8, 24, drop=5, quiet=True),
    Column("BLOCKED BY", lambda d, s: cell(rows.numbers(d.card.waits_for), "warn"), 10, 16, drop=7),
    Column("BLOCKS", lambda d, s: cell(rows.numbers(d.card.blocks), "dim"), 6, 16, wide=True),
    Column(
        "IN STATE",
        lambda d, s: rows.in_state(d.card.task, s),
        8,
        8,
        drop=2,
        right=True,
        sort=lambda d: -(d.card.task.since or EPOCH).timestamp(),
    ),
)
