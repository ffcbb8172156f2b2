"""The table of every list: virtual, so ten thousand rows cost what the visible ones cost.

Cells are made by pure functions of ``kagents_tui.rows`` when painted.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from kagents_tui.filters import Labels
from kagents_tui.rows.cells import Cell, Column, Scene
from kagents_tui.widgets.arranged import Arranged, Touched, keyed
from kagents_tui.widgets.columns import Columns
from kagents_tui.widgets.cues import Cues
from kagents_tui.widgets.marks import Marks
from kagents_tui.widgets.painter import Painter, RowLook
from kagents_tui.widgets.pointed import Pointed

Item = TypeVar("Item")


class Table(Pointed[Item], can_focus=True, inherit_bindings=False):
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
        self.scene = scene
        self.key_of = key
        self.people = people
        self.header = 1 if header else 0
        self.tail = tail
        self.empty = empty
        self.row_height = 2 if detail else 1
        self.marks: Marks[Item] = Marks(key)
        self._rows: Arranged[Item] = Arranged(key, search, order, labels, ages)
        self._cues = Cues()
        self._painter: Painter[Item] = Painter(self, detail)
        self._painted: dict[int, Strip] = {}
        self._columns: Columns[Item] = Columns(columns, header=header)
        self._measured: range | None = None
        """The rows that were in view, and have been measured."""

    # What is shown

    def replace(self, items: Iterable[Item]) -> None:
        """Shows these items and no others; what changed since before gets the cue."""
        after, before = keyed(self.key_of, items), self.items
        for key, item in after.items():
            if before.get(key) != item:
                self._columns.note(item)
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
                self._columns.note(item)
                if key in self.items:
                    self._cues.changed(key)
        self.marks.drop([key for key, item in changes.items() if item is None])
        touched = self._rows.apply(changes, self.scene().now)
        if touched.moved is not None:
            self._measured = None
            self._follow_cursor()
            self._resize_content()
        self._refresh_touched(touched, anew=not count or current != self.cursor_key)
        if count != len(self.rows) or current != self.cursor_key:
            self.moved()

    # Columns

    def show_wide(self, wide: bool) -> None:
        """Shows every column, as many as there is room for from a chosen one on; or the usual ones."""
        self._columns.show(wide, self.items.values())
        self._measured = None
        self.refresh()

    def skip_columns(self, by: int) -> None:
        """Moves to columns further right or left, when wide."""
        self._measure()
        if self._columns.skip(by):
            self.refresh()

    def _shown_anew(self) -> None:
        self._measured = None
        self._follow_cursor()
        self._resize_content()
        self.refresh()
        self.moved()

    def moved(self) -> None:
        self.post_message(self.Moved(self))

    # The mouse and the size

    def on_click(self, event: events.Click) -> None:
        """A click selects; a click on the selected row opens it; one on a title sorts by the column."""
        if event.y < self.header:
            title = self._painter.title_at(event.x, self._columns.layout)
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
        self._columns.forget(self.items.values())
        self._measured = None
        self._resize_content()
        self._reveal()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor looks different without focus."""
        super().watch_has_focus(has_focus)
        self.refresh()

    # Painting

    def render_lines(self, crop: Any) -> list[Strip]:
        """Measures the visible rows once for all lines of this paint."""
        self._measure()
        return super().render_lines(crop)

    def _in_view(self) -> range:
        """Indices of the rows that can be seen."""
        first = int(self.scroll_offset.y) // self.row_height
        return range(first, first + self.size.height // self.row_height + 1)

    def _refresh_touched(self, touched: Touched, *, anew: bool) -> None:
        """Paints the lines of rows in view that are others now; with ``anew``, or in another layout, all."""
        view = self._in_view()
        if not anew and not touched.within(view.start, view.stop):
            return
        if self._measure() or anew:
            self.refresh()
            return
        moved = view.stop if touched.moved is None else max(view.start, touched.moved)
        for index in (*(each for each in touched.changed if each in view), *range(moved, view.stop)):
            self.refresh_row(index)

    def _measure(self, *, anew: bool = False) -> bool:
        """Lays the columns out for the rows in view; whether that changed.

        What is new in view is measured; with ``anew`` all of it, since time makes ages longer.
        """
        view, visible = self._in_view(), self.rows[:0]
        if anew or view != self._measured:
            visible, self._measured = self.rows[view.start : view.stop], view
        changed = self._columns.measure(visible, self.scene(), self.sorted_by, max(1, self.room - 2))
        self._painter.begin(self._columns.layout)
        return changed

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self._line(y)
        return strip

    def tick(self) -> None:
        """Paints the lines that time alone has changed: ages that grew, cues that ended."""
        if self._measure(anew=True):
            self.refresh()
            return
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            line = self._line(y)
            if self._painted.get(y) is not line and self._painted.get(y) != line:
                self.refresh_lines(top + y, 1)

    def _line(self, y: int) -> Strip:
        if not self._columns.layout:
            self._measure()
        if self.header and y == 0:
            return self._painter.titles(self._columns.layout)
        index, part = divmod(int(self.scroll_offset.y) + y - self.header, self.row_height)
        if 0 <= index < len(self.rows):
            key = self.key_of(self.rows[index])
            look = RowLook(index == self.cursor, key in self.marks, self._cues.fresh(key))
            return self._painter.row(self.rows[index], part, look)
        if not self.rows and y == self.header:
            left_out = self._rows.narrowed and bool(self.items)
            return self._painter.words("no row matches the filter" if left_out else self.empty)
        return self._painter.blank()
