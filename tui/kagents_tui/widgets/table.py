"""The table of every list: virtual, so ten thousand rows cost what the visible ones cost.

Its cursor belongs to an object's key, never to a row number: when rows move, the cursor moves with its object
and keeps its place on the screen. Cells are made by pure functions of ``kagents_tui.rows`` when painted.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kagents_tui.filters import Filter, FilterError, read_filter
from kagents_tui.rows.cells import Cell, Column, Scene
from kagents_tui.theme import monochrome, on_ground, style
from kagents_tui.widgets.layout import GAP, arrange, fit
from kagents_tui.widgets.widths import Widths

Item = TypeVar("Item")
CUE_SECONDS: Final = 1.5
"""How long a row shows that it changed."""


class Table(ScrollView, Generic[Item], can_focus=True, inherit_bindings=False):
    """A list of items in columns.

    ``scene`` gives the time and glyphs; ``key`` an item's identity; ``search`` what the filter looks at;
    ``order`` the sort key when no column is chosen (None keeps the given order). With ``detail`` a row has a
    second line. ``tail`` keeps the end in view until a person moves the cursor.
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
        detail: Callable[[Item, Scene], Cell] | None = None,
        header: bool = True,
        tail: bool = False,
        empty: str = "nothing here",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.scene = scene
        self.key_of = key
        self.search = search
        self.order = order
        self.detail = detail
        self.header = 1 if header else 0
        self.tail = tail
        self.empty = empty
        self.items: dict[Hashable, Item] = {}
        self.rows: list[Item] = []
        self.cursor = 0
        self.cursor_key: Hashable = None
        self.filter_text = ""
        self._filter = Filter()
        self.sorted_by: str | None = None
        self.reversed = False
        self.row_height = 2 if detail else 1
        self._changed: dict[Hashable, float] = {}
        self._widths: Widths[Item] = Widths(columns, header=header)
        self._layout: list[tuple[int, int]] = []
        self._painted: dict[int, Strip] = {}

    # What is shown

    def replace(self, items: Iterable[Item]) -> None:
        """Shows these items and no others; what changed since before gets the cue."""
        after = {self.key_of(item): item for item in items}
        now = monotonic()
        for key, item in after.items():
            if self.items.get(key) != item:
                self._widths.note(item)
                if key in self.items:
                    self._changed[key] = now
        self.items = after
        self.arrange_rows()

    def apply(self, changes: Mapping[Hashable, Item | None]) -> None:
        """Takes changed items in; None removes one."""
        now = monotonic()
        for key, item in changes.items():
            if item is None:
                self.items.pop(key, None)
                continue
            if key in self.items and len(self._changed) < 1000:
                self._changed[key] = now
            self.items[key] = item
            self._widths.note(item)
        self.arrange_rows()

    def set_filter(self, text: str) -> str:
        """Shows only the rows that match. One that cannot be read changes nothing: why, in one sentence."""
        try:
            self._filter = read_filter(text)
        except FilterError as error:
            return str(error)
        self.filter_text = text
        self.arrange_rows()
        return ""

    def sort_by(self, title: str | None) -> None:
        """Sorts by a column's title; the same again reverses; None is the table's own order."""
        self.reversed = title is not None and title == self.sorted_by and not self.reversed
        self.sorted_by = title
        self.arrange_rows()

    def arrange_rows(self) -> None:
        """Filters and sorts again, and keeps the cursor on its object."""
        rows = list(self.items.values())
        matches = self._filter.text
        if matches is not None:
            rows = [item for item in rows if matches(self.search(item).lower())]
        chosen = next((each.sort for each in self.columns if each.title == self.sorted_by), None)
        if chosen is not None:
            rows.sort(key=chosen, reverse=self.reversed)
        elif self.order is not None:
            now, order = self.scene().now, self.order
            rows.sort(key=lambda item: order(item, now))
        self.rows = rows
        self._follow_cursor()
        self._resize_content()
        self.refresh()
        self.post_message(self.Moved(self))

    def _follow_cursor(self) -> None:
        """Finds the cursor's object again; when it is gone, its neighbour takes the cursor."""
        before = self.cursor
        if self.tail and self.rows:
            self.cursor = len(self.rows) - 1
        elif self.cursor_key is not None and self.cursor_key in self.items:
            for index, item in enumerate(self.rows):
                if self.key_of(item) == self.cursor_key:
                    self.cursor = index
                    break
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        if self.rows:
            self.cursor_key = self.key_of(self.rows[self.cursor])
        if self.cursor != before and self.is_mounted:
            moved = (self.cursor - before) * self.row_height
            self._resize_content()
            if self.tail:
                self._reveal()
            else:
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

    # Moving

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
                y = row * self.row_height + self.header - self.scroll_offset.y
                self.refresh_lines(y + self.scroll_offset.y, self.row_height)
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
        """A click selects; a click on the selected row opens it."""
        index = (event.y - self.header + self.scroll_offset.y) // self.row_height
        if event.y < self.header or not 0 <= index < len(self.rows):
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
        first = self.scroll_offset.y // self.row_height
        visible = self.rows[first : first + self.size.height // self.row_height + 1]
        wanted = self._widths.measure(visible, self.scene(), sorted_by=self.sorted_by)
        self._layout = arrange(self.columns, wanted, max(1, self.room - 2))

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
        scene = self.scene()
        colourless = monochrome(self)
        if not self._layout:
            self._measure()
        if self.header and y == 0:
            return self._header_strip(colourless)
        index, part = divmod(self.scroll_offset.y + y - self.header, self.row_height)
        if not 0 <= index < len(self.rows):
            if not self.rows and y == self.header:
                text = "no row matches the filter" if self.filter_text and self.items else self.empty
                return Strip([Segment(fit(f" {text}", self.room), style("dim", monochrome=colourless))])
            return Strip.blank(self.room)
        return self._row_strip(index, part, scene, colourless)

    def _header_strip(self, colourless: bool) -> Strip:
        symbols, parts = self.scene().symbols, []
        for index, size in self._layout:
            column = self.columns[index]
            sorted_here = bool(column.title) and column.title == self.sorted_by
            mark = (symbols.descending if self.reversed else symbols.ascending) if sorted_here else ""
            parts.append(fit(column.title + mark, size, right=column.right, ellipsis=symbols.ellipsis))
        text = fit("  " + (" " * GAP).join(parts), self.room)
        return Strip([Segment(text, style("dim", monochrome=colourless))])

    def _row_strip(self, index: int, part: int, scene: Scene, colourless: bool) -> Strip:
        item = self.rows[index]
        on_cursor = index == self.cursor

        def toned(tone: Any) -> Any:
            return style(tone, monochrome=colourless, cursor=on_cursor, focused=self.has_focus)

        gap = Segment(" " * GAP, toned("plain"))
        if part and self.detail is not None:
            cell = self.detail(item, scene)
            body = fit("    " + cell.text, self.room, ellipsis=scene.symbols.ellipsis)
            return Strip([Segment(body, toned(cell.tone))])
        cue = scene.symbols.changed if self._is_new(item) else " "
        segments = [Segment(cue, toned("accent")), gap]
        for place, (number, size) in enumerate(self._layout):
            cell = self.columns[number].cell(item, scene)
            text = fit(cell.text, size, right=self.columns[number].right, ellipsis=scene.symbols.ellipsis)
            if place:
                segments.append(gap)
            segments.append(Segment(text, toned(cell.tone)))
        return Strip(segments).extend_cell_length(self.room, toned("plain"))

    def _is_new(self, item: Item) -> bool:
        since = self._changed.get(self.key_of(item))
        if since is None:
            return False
        if monotonic() - since < CUE_SECONDS:
            return True
        del self._changed[self.key_of(item)]
        return False
