"""What the screens with tables share: moving, filtering, sorting, opening."""

from typing import Any

from kagents_tui.actions import MOVES, Action
from kagents_tui.places import Look
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.screens.view import View
from kagents_tui.widgets.table import Table

STEPS = ("up", "down", "first", "last", "page_up", "page_down")
SORTS = {"sort_name": "NAME", "sort_phase": "PHASE", "sort_cost": "COST", "sort_age": "AGE"}


class Listing(View, inherit_bindings=False):
    """A screen with one table in focus."""

    def table(self) -> "Table[Any]":
        """The table that keys are about."""
        raise NotImplementedError

    def perform(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Moves and sorts go to the table."""
        if action.id in STEPS and action in MOVES:
            self.table().move(action.id)
        elif action.id in SORTS:
            self.table().sort_by(SORTS[action.id])
            self.refresh_bars()
        elif action.id == "sort_attention":
            self.table().sort_by(None)
            self.refresh_bars()
        else:
            super().perform(action, arguments)

    def look(self) -> Look:
        """How the table is looked at."""
        table = self.table()
        return Look(filter=table.filter_text, sort=table.sorted_by, reversed=table.reversed)

    def arrive(self, look: Look) -> None:
        """Looks at the table in another way."""
        super().arrive(look)
        table = self.table()
        table.sorted_by, table.reversed = look.sort, look.reversed
        table.set_filter(look.filter)

    def focus_body(self) -> None:
        self.table().focus()

    def do_filter(self, arguments: tuple[str, ...]) -> None:
        """Opens the filter line."""
        self.open_prompt("filter", self.table().filter_text)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        """The filter follows the typing; given up, it is cleared."""
        problem = self.table().set_filter(text or "")
        if problem:
            self.say(cell(problem).text, "warn")
        self.refresh_bars()

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter first, then goes back."""
        if self.table().filter_text:
            self.table().set_filter("")
            self.refresh_bars()
        else:
            super().do_back(arguments)

    def do_open(self, arguments: tuple[str, ...]) -> None:
        """Opens the row under the cursor."""
        item = self.table().current
        if item is not None:
            self.open_item(item)

    def open_item(self, item: object) -> None:
        """Opens an item of the table."""

    def on_table_opened(self, event: Table.Opened) -> None:
        """A second click opens."""
        self.open_item(event.item)

    def on_table_moved(self, event: Table.Moved) -> None:
        """Counts and keys follow the cursor."""
        self.refresh_bars()

    def listing_cells(self, title: str) -> list[Cell]:
        """The rule above a table: what is listed, the filter, the order."""
        table = self.table()
        count = len(table.rows)
        parts = [cell(title, "strong"), cell(f"[{count}]", "dim")]
        if table.filter_text:
            parts.append(cell(f" /{table.filter_text}", "warn"))
        if table.sorted_by:
            parts.append(cell(f"  sorted: {table.sorted_by.lower()}", "dim"))
        return parts
