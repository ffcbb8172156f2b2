"""Mail of all teams as one table shows it: each message with its team."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText
from kagents_tui.filters import read_filter
from kagents_tui.journal.mail import EPOCH, Mail
from kagents_tui.rows import mail as rows
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.teams import Team, labels_of

Key = tuple[str, str, str]
"""Namespace, team, and the message's id."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and its team."""

    key: Key
    team: Team
    mail: Mail

    @property
    def text(self) -> SafeText:
        """What is copied of it."""
        return self.mail.text


def letters(team: Team, mail: Mapping[str, Mail | None]) -> dict[Key, Letter | None]:
    """Changed messages of a team as changed rows."""
    space, name = team.key
    return {
        (space, name, key): Letter((space, name, key), team, each) if each is not None else None
        for key, each in mail.items()
    }


def order(letter: Letter, now: datetime) -> datetime:
    """By the time they were written, the newest last."""
    return letter.mail.written or EPOCH


def search_text(letter: Letter) -> str:
    """What a filter looks at."""
    return f"{letter.team.namespace}/{letter.team.name} {rows.search_text(letter.mail)}"


def matcher(text: str, *, unread: bool = False) -> Callable[[Letter], bool] | None:
    """As ``rows.mail.matcher``, and ``team:NAME``, ``ns:NAME`` and ``-l LABELS`` of the team.

    None when everything matches. Raises ``FilterError`` for a filter that cannot be read.
    """
    wanted, rest = rows.terms(text, (*rows.FIELDS, "team", "ns"))
    team, space = wanted.pop("team"), wanted.pop("ns")
    found, words = rows.about(wanted, unread=unread), read_filter(rest)
    if not (team or space or found or words.text or words.labels):
        return None

    def matches(letter: Letter) -> bool:
        return (
            (not team or team in letter.key[1].lower())
            and (not space or space in letter.key[0].lower())
            and (found is None or found(letter.mail))
            and (words.labels is None or words.labels(labels_of(letter.team)))
            and (words.text is None or words.text(search_text(letter).lower()))
        )

    return matches


def of_mail(shown: Callable[[Mail, Scene], Cell]) -> Callable[[Letter, Scene], Cell]:
    """The cell of the message itself."""
    return lambda letter, scene: shown(letter.mail, scene)


def age_cell(letter: Letter, scene: Scene) -> Cell:
    """How long ago it was written."""
    return cell(age(scene.now, letter.mail.written) or scene.symbols.dash, "dim")


def by(value: Callable[[Mail], Any]) -> Callable[[Letter], Any]:
    """Sorts by something of the message."""
    return lambda letter: value(letter.mail)


COLUMNS: tuple[Column[Letter], ...] = (
    Column("NAMESPACE", lambda x, s: Cell(x.team.namespace, "dim"), 11, 20, drop=4, sort=lambda x: x.key),
    Column("TEAM", lambda x, s: Cell(x.team.name, "strong"), 14, 24, sort=lambda x: (x.key[1], x.key[0])),
    Column("AGE", age_cell, 5, 6, drop=1, right=True, sort=lambda x: -order(x, EPOCH).timestamp()),
    Column("FROM, TO", of_mail(rows.route), 14, 40, sort=by(rows.by_route)),
    Column("KIND", of_mail(rows.full_kind), 7, 12, drop=5, sort=by(lambda m: m.kind)),
    Column("STATE", of_mail(rows.state), 8, 18, sort=by(rows.by_state)),
    Column(
        "WRITTEN", of_mail(rows.moment_cell("written")), 8, 8, wide=True, sort=by(rows.by_moment("written"))
    ),
    Column(
        "DELIVERED",
        of_mail(rows.moment_cell("delivered")),
        9,
        9,
        wide=True,
        sort=by(rows.by_moment("delivered")),
    ),
    Column("SEEN", of_mail(rows.moment_cell("seen")), 8, 8, wide=True, sort=by(rows.by_moment("seen"))),
    Column(
        "TEXT",
        of_mail(rows.excerpt),
        18,
        400,
        drop=2,
        grow=True,
        sort=by(lambda m: (m.summary or m.text)[:100].lower()),
    ),
)
