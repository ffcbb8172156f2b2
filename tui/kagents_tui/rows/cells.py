"""The vocabulary of a table: cells, tones and columns."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from kagents_core.safetext import SafeText
from kagents_tui.rows.attention import STALE_MAIL
from kagents_tui.rows.fields import line
from kagents_tui.rows.symbols import Symbols

Tone = Literal["plain", "dim", "strong", "accent", "good", "warn", "bad"]
"""What a text means. A theme gives it a colour; a glyph or a word beside it always says the same."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cell:
    """A harmless piece of one line, and its tone."""

    text: SafeText
    tone: Tone = "plain"


EMPTY = Cell(line(""))


def cell(value: object, tone: Tone = "plain") -> Cell:
    """A cell of any value; the text is made harmless here at the latest."""
    return Cell(value if isinstance(value, SafeText) else line(value), tone)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a row function may know besides its item."""

    now: datetime
    symbols: Symbols
    stale_mail: timedelta = STALE_MAIL
    """Mail that nobody has read for so long is marked."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """One column of a table.

    ``cell`` is pure. A column is dropped when the table is too narrow, highest ``drop`` first; 0 never goes.
    ``grow`` takes the width that is left. ``quiet`` columns are left out while all their cells are empty.
    ``wide`` columns are shown only when a person asks for all of them. ``sort`` orders ascending.
    """

    title: str
    cell: Callable[[Item, Scene], Cell]
    minimum: int
    maximum: int
    drop: int = 0
    grow: bool = False
    quiet: bool = False
    right: bool = False
    wide: bool = False
    sort: Callable[[Item], Any] | None = None
