"""What of its items a table shows, and in which order: filter, labels, only what needs a person, sorting."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from kagents_tui.filters import FilterError, read_filter, selector
from kagents_tui.rows.cells import Column, Scene
from kagents_tui.widgets.arranged import Arranged

if TYPE_CHECKING:
    from kagents_tui.widgets.columns import Columns

Item = TypeVar("Item")


class Arranging(Generic[Item]):
    """Joins the table, which is told by ``_shown_anew`` that its rows are others."""

    filter_text = ""
    labels: tuple[str, ...] = ()
    sorted_by: str | None = None
    """A column's title; None is the table's own order."""
    tail = False
    """Keeps the end in view until a person moves the cursor or sorts."""
    people: Callable[[Item, datetime], bool] | None = None

    if TYPE_CHECKING:
        scene: Callable[[], Scene]
        _rows: Arranged[Item]
        _columns: Columns[Item]

        def _shown_anew(self) -> None: ...

    @property
    def items(self) -> dict[Hashable, Item]:
        """Every item, shown or left out."""
        return self._rows.items

    @property
    def rows(self) -> list[Item]:
        """The items that pass the filters, in order."""
        return self._rows.rows

    def row_of(self, key: Hashable) -> int | None:
        """Where the item of a key is shown, or None."""
        return self._rows.index(key)

    # What is left out

    def set_filter(self, text: str) -> str:
        """Shows only the rows that match. One that cannot be read changes nothing: why, in one sentence."""
        try:
            self._rows.filter = read_filter(text)
        except FilterError as error:
            return str(error)
        self.filter_text = text
        self._narrow()
        return ""

    def set_labels(self, labels: tuple[str, ...]) -> None:
        """Shows only the rows that have these labels, whatever the filter. Raises ``FilterError``."""
        self._rows.selectors = [selector(each) for each in labels]
        self.labels = labels
        self._narrow()

    @property
    def only_people(self) -> bool:
        """Whether only what needs a person is shown."""
        return self._rows.people is not None

    def show_people(self, only: bool) -> None:
        """Shows only what needs a person, or everything."""
        self._rows.people = self.people if only else None
        self._narrow()

    def _narrow(self) -> None:
        self._rows.narrow(self.scene().now)
        self._shown_anew()

    # Columns and order

    @property
    def every_column(self) -> Sequence[Column[Item]]:
        """Every column, also those that are not shown now."""
        return self._columns.every

    @property
    def columns(self) -> Sequence[Column[Item]]:
        """The columns that are shown, or would be with more room."""
        return self._columns.shown

    @property
    def wide(self) -> bool:
        """Whether every column is shown, as many as there is room for."""
        return self._columns.wide

    @property
    def reversed(self) -> bool:
        """Whether the chosen column's order is turned round."""
        return self._rows.reversed

    def sort_by(self, title: str | None) -> None:
        """Sorts by a column's title; the same again reverses; None is the table's own order."""
        self.order_by(title, reverse=title is not None and title == self.sorted_by and not self.reversed)

    def order_by(self, title: str | None, *, reverse: bool = False) -> None:
        """Sorts by a column's title, upwards or downwards; a column without an order counts as None."""
        chosen = next((each.sort for each in self.every_column if title and each.title == title), None)
        self.sorted_by = title if chosen is not None else None
        self.tail = self.tail and chosen is None
        self._rows.sort, self._rows.reversed = chosen, reverse and chosen is not None
        self.arrange_rows()

    def sortable(self) -> list[str]:
        """Titles of the columns that it can be sorted by."""
        return self._columns.sortable()

    def arrange_rows(self) -> None:
        """Filters and sorts again, and keeps the cursor on its object."""
        self._rows.arrange(self.scene().now)
        self._shown_anew()

    def reorder_if_due(self) -> None:
        """Arranges again when time alone has changed the order, as when mail becomes stale."""
        if self._rows.overdue(self.scene().now):
            self.arrange_rows()
