"""Rows with a cursor, scrolled so that it is in view.

The cursor belongs to an object's key, never to a row number: when rows move, the cursor moves with its object
and keeps its place on the screen.
"""

from collections.abc import Callable, Hashable
from typing import TypeVar

from textual.geometry import Size
from textual.scroll_view import ScrollView

from kagents_tui.widgets.arranging import Arranging
from kagents_tui.widgets.marks import Marking

Item = TypeVar("Item")


class Pointed(Arranging[Item], Marking[Item], ScrollView, can_focus=True, inherit_bindings=False):
    """The half of a table that knows where one is; the other half lays rows out and paints them."""

    key_of: Callable[[Item], Hashable]
    header = 1
    """Lines above the rows."""
    row_height = 1
    cursor = 0
    cursor_key: Hashable = None

    def moved(self) -> None:
        """The cursor is on another object, or the number of rows changed."""
        raise NotImplementedError

    @property
    def room(self) -> int:
        """Cells of a line beside the scroll bar."""
        return self.scrollable_content_region.width

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
            self.refresh_row(before)
            self.refresh_row(self.cursor)
        self.moved()

    def refresh_row(self, index: int) -> None:
        """Paints one row anew."""
        self.refresh_lines(index * self.row_height + self.header, self.row_height)

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
