"""The table of every list: virtual, so ten thousand rows cost what the visible ones cost.

Its cursor belongs to an object's key, never to a row number: when rows move, the cursor moves with its object
and keeps its place on the screen. Cells are made by pure functions of ``kagents_tui.rows`` when painted.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kagents_tui.filters import FilterError, Labels, read_filter, selector
from kagents_tui.rows.cells import Cell, Column, Scene
from kagents_tui.theme import on_ground
from kagents_tui.widgets.arranged import Arranged, keyed
from kagents_tui.widgets.cues import Cues
from kagents_tui.widgets.layout import arrange, spread
from kagents_tui.widgets.marks import Marks
from kagents_tui.widgets.painter import Painter, RowLook
from kagents_tui.widgets.widths import Widths

Item = TypeVar("Item")


class Table(ScrollView, Generic[Item], can_focus=True, inherit_bindings=False):
    """A list of items in columns.

    ``scene`` gives the time and glyphs; ``key`` an item's identity; ``search`` what the filter looks at;
    ``order`` the sort key when no column is chosen (None keeps the given order), which time alone changes
    only for an item that ``ages`` (None: for any); ``labels`` what a label
    filter looks at; ``people`` whether an item needs a person now. With ``detail`` a row has a second line.
    ``tail`` keeps the end in view until a person moves the cursor.
    """

    DEFAULT_CSS = "Table { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"

    class Opened(Message):
        """A row was opened with enter or a second click."""

        def __init__(self, table: "Table[Any]", item: Any) -> None:
            self.table, self.item = table, item
            super().__init__()

    class Moved(Message):
        """The cursor is on another object, or the number of rows changed."""

        def __init__(self, table: "Table[Any]") -> None:
            self.table = table
            super().__init__()

    def __init__(
        self,
        columns: Sequence[Column[Item]],
        *,
        scene: Callable[[], Scene],
        key: Callable[[Item], Hashable],
        search: Callable[[Item], str],
        order: Callable[[Item, datetime], Any] | None = None,
        labels: Callable[[Item], Labels] | None = None,
        ages: Callable[[Item], bool] | None = None,
        people: Callable[[Item, datetime], bool] | None = None,
        detail: Callable[[Item, Scene], Cell] | None = None,
        header: bool = True,
        tail: bool = False,
        empty: str = "nothing here",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.every_column = columns
        self.scene = scene
        self.key_of = key
        self.people = people
        self.header = 1 if header else 0
        self.tail = tail
        self.empty = empty
        self.cursor = 0
        self.cursor_key: Hashable = None
        self.filter_text = ""
        self.labels: tuple[str, ...] = ()
        self.sorted_by: str | None = None
        self.wide = False
        self.skipped = 0
        """Columns behind the first named one that are scrolled out of view, when wide."""
        self.row_height = 2 if detail else 1
        self.marks: Marks[Item] = Marks(key)
        self._rows: Arranged[Item] = Arranged(key, search, order, labels, ages)
        self._cues = Cues()
        self._painter: Painter[Item] = Painter(self, detail)
        self._painted: dict[int, Strip] = {}
        self._layout: list[tuple[int, int]] = []
        self._choose_columns()

    def _choose_columns(self) -> None:
        self.columns = [each for each in self.every_column if self.wide or not each.wide]
        self._widths: Widths[Item] = Widths(self.columns, header=bool(self.header))
        self._widths.forget(self.items.values())
        self._layout = []

    # What is shown

    @property
    def items(self) -> dict[Hashable, Item]:
        """Every item, shown or left out."""
        return self._rows.items

    @property
    def rows(self) -> list[Item]:
        """The items that pass the filters, in order."""
        return self._rows.rows

    @property
    def reversed(self) -> bool:
        """Whether the chosen column's order is turned round."""
        return self._rows.reversed

    def replace(self, items: Iterable[Item]) -> None:
        """Shows these items and no others; what changed since before gets the cue."""
        after, before = keyed(self.key_of, items), self.items
        for key, item in after.items():
            if before.get(key) != item:
                self._widths.note(item)
                if key in before:
                    self._cues.changed(key)
        self.marks.drop([key for key in before if key not in after])
        self._rows.replace(after, self.scene().now)
        self._shown_anew()

    def apply(self, changes: Mapping[Any, Item | None]) -> None:
        """Takes changed items in; None removes one. Paints nothing when no row in view is another one."""
        count, current = len(self.rows), self.cursor_key
        for key, item in changes.items():
            if item is not None:
                self._widths.note(item)
                if key in self.items:
                    self._cues.changed(key)
        self.marks.drop([key for key, item in changes.items() if item is None])
        touched = self._rows.apply(changes, self.scene().now)
        if touched.moved is not None:
            self._follow_cursor()
            self._resize_content()
        first = int(self.scroll_offset.y) // self.row_height
        if not count or touched.within(first, first + self.size.height // self.row_height + 1):
            self.refresh()
        if count != len(self.rows) or current != self.cursor_key:
            self.post_message(self.Moved(self))

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
        return [each.title for each in self.columns if each.sort is not None and each.title]

    def show_wide(self, wide: bool) -> None:
        """Shows every column, as many as there is room for from a chosen one on; or the usual ones."""
        self.wide, self.skipped = wide, 0
        self._choose_columns()
        self.refresh()

    def skip_columns(self, by: int) -> None:
        """Moves to columns further right or left, when wide."""
        self._measure()
        at_end = bool(self._layout) and self._layout[-1][0] == len(self.columns) - 1
        if self.wide and not (by > 0 and at_end):
            self.skipped = max(0, self.skipped + by)
            self.refresh()

    def arrange_rows(self) -> None:
        """Filters and sorts again, and keeps the cursor on its object."""
        self._rows.arrange(self.scene().now)
        self._shown_anew()

    def reorder_if_due(self) -> None:
        """Arranges again when time alone has changed the order, as when mail becomes stale."""
        if self._rows.overdue(self.scene().now):
            self.arrange_rows()

    def _shown_anew(self) -> None:
        self._follow_cursor()
        self._resize_content()
        self.refresh()
        self.post_message(self.Moved(self))

    def _follow_cursor(self) -> None:
        """Finds the cursor's object again; when it is gone, its neighbour takes the cursor."""
        before = self.cursor
        if self.tail and self.rows:
            self.cursor = len(self.rows) - 1
        elif self.cursor_key is not None and (found := self._rows.index(self.cursor_key)) is not None:
            self.cursor = found
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        if self.rows:
            self.cursor_key = self.key_of(self.rows[self.cursor])
        if self.cursor != before and self.is_mounted:
            moved = (self.cursor - before) * self.row_height
            self._resize_content()
            if not self.tail:
                self.scroll_to(
                    y=max(0, self.scroll_offset.y + moved), animate=False, immediate=True, force=True
                )
            self._reveal()

    def _resize_content(self) -> None:
        self.virtual_size = Size(self.room, len(self.rows) * self.row_height + self.header)

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def row_of(self, key: Hashable) -> int | None:
        """Where the item of a key is shown, or None."""
        return self._rows.index(key)

    # Moving and marking

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row and brings it into view."""
        if not self.rows:
            return
        before = self.cursor
        self.cursor = max(0, min(index, len(self.rows) - 1))
        self.cursor_key = self.key_of(self.rows[self.cursor])
        if before == self.cursor:
            return
        if not self._reveal():
            for row in (before, self.cursor):
                self.refresh_lines(row * self.row_height + self.header, self.row_height)
        self.post_message(self.Moved(self))

    def move(self, step: str) -> None:
        """``up``, ``down``, ``first``, ``last``, ``page_up`` or ``page_down``."""
        page = max(1, (self.size.height - self.header) // self.row_height - 1)
        targets = {
            "up": self.cursor - 1,
            "down": self.cursor + 1,
            "first": 0,
            "last": len(self.rows) - 1,
            "page_up": self.cursor - page,
            "page_down": self.cursor + page,
        }
        self.tail = self.tail and step == "last"
        self.move_to(targets[step])

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away, and goes one row down."""
        if self.current is not None:
            self.marks.toggle(self.current)
            self.refresh_lines(self.cursor * self.row_height + self.header, self.row_height)
            self.move_to(self.cursor + 1)

    def mark_range(self) -> None:
        """Marks every row from the last marked one up to the cursor."""
        if self.current is not None:
            self.marks.extend(self.rows, self.cursor)
            self.refresh()

    def unmark(self) -> None:
        """Takes every mark away."""
        self.marks.clear()
        self.refresh()

    def _reveal(self) -> bool:
        """Scrolls the least that shows the cursor; whether it scrolled."""
        height = self.size.height - self.header
        top, bottom = self.cursor * self.row_height, (self.cursor + 1) * self.row_height
        offset = self.scroll_offset.y
        wanted = top if top < offset else bottom - height if bottom > offset + height else offset
        if wanted == offset or height <= 0:
            return False
        self.scroll_to(y=max(0, wanted), animate=False, immediate=True, force=True)
        return True

    def on_click(self, event: events.Click) -> None:
        """A click selects; a click on the selected row opens it; one on a title sorts by the column."""
        if event.y < self.header:
            title = self._painter.title_at(event.x, self._layout)
            if title in self.sortable():
                self.sort_by(title)
            return
        index = (event.y - self.header + self.scroll_offset.y) // self.row_height
        if not 0 <= index < len(self.rows):
            return
        if index == self.cursor:
            self.post_message(self.Opened(self, self.rows[index]))
        self.move_to(index)

    def on_resize(self) -> None:
        """Columns are measured anew."""
        self._widths.forget(self.items.values())
        self._resize_content()
        self._reveal()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor looks different without focus."""
        super().watch_has_focus(has_focus)
        self.refresh()

    # Painting

    @property
    def room(self) -> int:
        """Cells of a line beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_lines(self, crop: Any) -> list[Strip]:
        """Measures the visible rows once for all lines of this paint."""
        self._measure()
        return super().render_lines(crop)

    def _measure(self) -> None:
        first = int(self.scroll_offset.y) // self.row_height
        visible = self.rows[first : first + self.size.height // self.row_height + 1]
        wanted = self._widths.measure(visible, self.scene(), sorted_by=self.sorted_by)
        room = max(1, self.room - 2)
        self._layout = (
            spread(self.columns, wanted, room, skip=self.skipped)
            if self.wide
            else arrange(self.columns, wanted, room)
        )

    def render_line(self, y: int) -> Strip:
        strip = on_ground(self, self._line(y))
        self._painted[y] = strip
        return strip

    def tick(self) -> None:
        """Paints the lines that time alone has changed: ages that grew, cues that ended."""
        before = self._layout
        self._measure()
        if self._layout != before:
            self.refresh()
            return
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            if self._painted.get(y) != on_ground(self, self._line(y)):
                self.refresh_lines(top + y, 1)

    def _line(self, y: int) -> Strip:
        if not self._layout:
            self._measure()
        if self.header and y == 0:
            return self._painter.titles(self._layout)
        index, part = divmod(int(self.scroll_offset.y) + y - self.header, self.row_height)
        if 0 <= index < len(self.rows):
            key = self.key_of(self.rows[index])
            look = RowLook(index == self.cursor, key in self.marks, self._cues.fresh(key))
            return self._painter.row(self.rows[index], part, look, self._layout)
        if not self.rows and y == self.header:
            left_out = self._rows.narrowed and bool(self.items)
            return self._painter.words("no row matches the filter" if left_out else self.empty)
        return Strip.blank(self.room)
