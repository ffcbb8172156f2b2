"""The timeline as a table: one line for everything that happened, newest last."""

from kagents_tui.journal_view import Happening
from kagents_tui.rows.ages import clock
from kagents_tui.rows.cells import Column, Tone, cell

TONES: dict[str, Tone] = {"plain": "plain", "good": "good", "warn": "warn", "bad": "bad"}

COLUMNS: tuple[Column[Happening], ...] = (
    Column("TIME", lambda h, s: cell(clock(h.at), "dim"), 8, 8, drop=1),
    Column("WHAT", lambda h, s: cell(h.what, TONES.get(h.tone, "plain")), 20, 200, grow=True),
)


def search_text(happening: Happening) -> str:
    """What a filter looks at."""
    return happening.what
