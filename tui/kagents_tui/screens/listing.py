"""What the screens with tables share: moving, filtering, sorting, opening."""

from typing import Any, Final

from kagents_tui.actions import MOVES, Action
from kagents_tui.filters import FilterError
from kagents_tui.places import Look
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.screens.view import View
from kagents_tui.widgets.table import Table

STEPS = ("up", "down", "first", "last", "page_up", "page_down")
SORTS: Final = {
    "sort_name": ("NAME", "AGENT", "TEAM", "OBJECT"),
    "sort_namespace": ("NAMESPACE",),
    "sort_phase": ("PHASE",),
    "sort_cost": ("COST", "SPENT"),
    "sort_age": ("AGE", "SINCE", "IN STATE"),
}
"""The columns that a key sorts by: the first of them that the table has."""


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
            self._sort(SORTS[action.id])
        else:
            super().perform(action, arguments)

    # How it is looked at

    def look(self) -> Look:
        """How the table is looked at."""
        if not self.ready:
            return super().look()
        table = self.table()
        return Look(
            filter=table.filter_text,
            labels=table.labels,
            sort=table.sorted_by,
            reversed=table.reversed,
            wide=table.wide,
            people=table.only_people,
        )

    def arrive(self, look: Look) -> None:
        """Looks at the table in another way."""
        super().arrive(look)
        table = self.table()
        table.show_wide(look.wide)
        table.show_people(look.people and table.people is not None)
        table.order_by(look.sort, reverse=look.reversed)
        try:
            table.set_labels(look.labels)
        except FilterError as error:
            self.say(cell(str(error)).text, "warn")
        self._filter(look.filter)

    def focus_body(self) -> None:
        self.table().focus()

    def do_filter(self, arguments: tuple[str, ...]) -> None:
        """Opens the filter line."""
        self.open_prompt("filter", self.table().filter_text)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        """The filter follows the typing; given up, it is cleared."""
        self._filter(text or "")

    def _filter(self, text: str) -> None:
        problem = self.table().set_filter(text)
        if problem:
            self.say(cell(problem).text, "warn")
        else:
            self.unsay_problem()
        self.refresh_bars()

    # Order

    def _sort(self, titles: tuple[str, ...]) -> None:
        table = self.table()
        known = {each.title for each in table.every_column if each.sort is not None}
        title = next((each for each in titles if each in known), None)
        if title is None:
            self.say(cell(f"this list has no column {titles[0].lower()} to sort by").text, "dim")
            return
        table.sort_by(title)
        self.refresh_bars()

    def do_sort_attention(self, arguments: tuple[str, ...]) -> None:
        """The table's own order."""
        self.table().sort_by(None)
        self.refresh_bars()

    def do_sort_next(self, arguments: tuple[str, ...]) -> None:
        """By the next column."""
        self._sort_along(+1)

    def do_sort_previous(self, arguments: tuple[str, ...]) -> None:
        """By the column before."""
        self._sort_along(-1)

    def do_sort_reverse(self, arguments: tuple[str, ...]) -> None:
        """The other way round."""
        table = self.table()
        if table.sorted_by is None:
            key = self.kagents.keymap.words
            why = f"choose a column first: {key('sort_previous')} and {key('sort_next')} sort by one"
            self.say(cell(why).text, "dim")
            return
        table.sort_by(table.sorted_by)
        self.refresh_bars()

    def _sort_along(self, step: int) -> None:
        table = self.table()
        order: list[str | None] = [None, *table.sortable()]
        if len(order) == 1:
            self.say(cell("this list has an order of its own alone").text, "dim")
            return
        at = order.index(table.sorted_by) if table.sorted_by in order else 0
        table.order_by(order[(at + step) % len(order)])
        self.refresh_bars()

    # Going back, opening

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter first, then the marks, then goes back."""
        table = self.table()
        if table.filter_text or table.labels:
            table.set_labels(())
            self._filter("")
        elif len(table.marks):
            table.unmark()
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
        """The rule above a table: what is listed, the filter, the order, the marks."""
        table = self.table()
        parts = [cell(title, "strong"), cell(f"[{len(table.rows)}]", "dim")]
        if table.filter_text:
            parts.append(cell(f" /{table.filter_text}", "warn"))
        if table.labels:
            parts.append(cell(f" {' '.join(table.labels)}", "warn"))
        if table.only_people:
            parts.append(cell(" needs you", "warn"))
        if table.sorted_by:
            parts.append(cell(f"  sorted: {table.sorted_by.lower()}", "dim"))
        if table.wide:
            parts.append(cell("  wide", "dim"))
        if len(table.marks):
            hidden = sum(1 for each in table.marks.keys if table.row_of(each) is None)
            more = f" ({hidden} not shown)" if hidden else ""
            parts.append(cell(f"  {len(table.marks)} marked{more}", "accent"))
        return parts
