"""A titled part of a screen with one table in it."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical

from kagents_tui.rows.cells import Cell, cell
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.table import Table


class Pane(Vertical):
    """A table under its title line."""

    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; }
    Pane Table { height: 1fr; }
    """

    def __init__(self, title: str, table: Table[Any], *, rule: str, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.heading = title
        self.table = table
        self.rule = rule

    def compose(self) -> ComposeResult:
        yield Bar(fill=self.rule)
        yield self.table

    def show_title(self, note: Cell | None, *, active: bool) -> None:
        """Paints the title line: the name, the number of rows, the filter, and a note."""
        parts = [
            cell(f"{self.rule}{'[' if active else ' '}", "dim"),
            cell(self.heading, "strong" if active else "plain"),
            cell(f" {len(self.table.rows)}", "dim"),
        ]
        if self.table.filter_text:
            parts.append(cell(f" /{self.table.filter_text}", "warn"))
        parts.append(cell("]" if active else " ", "dim"))
        right = [cell(" "), note, cell(f" {self.rule}", "dim")] if note and note.text else []
        self.query_one(Bar).show(parts, right)
