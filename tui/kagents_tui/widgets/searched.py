"""What a text and a log share: a person scrolls through lines and searches them; what matches is marked."""

import re
from itertools import islice
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kagents_tui.theme import on_ground, style

MARKED: Final = style("warn", monochrome=True) + Style(reverse=True)
MOST_MARKED: Final = 50
"""Matches that are marked in one line."""


def pattern_of(text: str) -> re.Pattern[str] | None:
    """What a person searches: a regular expression, else the text itself; None for nothing. Never raises."""
    try:
        return re.compile(text, re.IGNORECASE) if text else None
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


def marked(text: str, pattern: re.Pattern[str] | None, plain: Style) -> list[Segment]:
    """The text with its matches in reversed video."""
    if pattern is None:
        return [Segment(text, plain)]
    segments, at = [], 0
    for match in islice(pattern.finditer(text), MOST_MARKED):
        if match.end() > match.start():
            segments.append(Segment(text[at : match.start()], plain))
            segments.append(Segment(match.group(), plain + MARKED))
            at = match.end()
    return [*segments, Segment(text[at:], plain)]


class Searched(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines that are laid out by a subclass: how many, the text of each, and how one is painted."""

    DEFAULT_CSS = "Searched { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"
    follow = False
    """Whether the end stays in view."""
    pattern: re.Pattern[str] | None = None

    def laid_out(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def text_at(self, index: int) -> str:
        """The text of a line, as it is searched."""
        raise NotImplementedError

    def line_at(self, index: int) -> Strip:
        """A line as it is painted."""
        raise NotImplementedError

    # Moving

    def here(self) -> int:
        """The line that one is at."""
        return int(self.scroll_offset.y)

    def go_to(self, index: int) -> None:
        """Brings a line to the top, or as near to it as the end allows."""
        self.scroll_to(y=index, animate=False, immediate=True, force=True)

    def move(self, step: str) -> None:
        """``up``, ``down``, ``first``, ``last``, ``page_up`` or ``page_down``; going up stops following."""
        page, offset = max(1, self.size.height - 1), int(self.scroll_offset.y)
        last = max(0, self.laid_out() - self.size.height)
        steps = {"up": offset - 1, "down": offset + 1, "first": 0, "last": last}
        steps |= {"page_up": offset - page, "page_down": offset + page}
        if step in ("up", "first", "page_up"):
            self.follow = False
        self.go_to(max(0, min(steps[step], last)))

    # Searching

    def search(self, text: str) -> int:
        """Marks what matches and goes to the first match from here; how many lines match. Never raises."""
        self.pattern = pattern_of(text)
        self.refresh()
        if self.pattern is None:
            return 0
        found = sum(1 for index in range(self.laid_out()) if self.pattern.search(self.text_at(index)))
        if found:
            self.next_match(+1, here=True)
        return found

    def next_match(self, step: int, *, here: bool = False) -> bool:
        """Goes to the next (+1) or previous (-1) matching line, around the end; whether there is one."""
        count = self.laid_out()
        if self.pattern is None or not count:
            return False
        start = self.here()
        for away in range(0 if here else 1, count + 1):
            index = (start + step * away) % count
            if self.pattern.search(self.text_at(index)):
                self.show_match(index)
                return True
        return False

    def show_match(self, index: int) -> None:
        """Goes to a line that matches."""
        self.follow = False
        self.go_to(index)

    # Painting

    @property
    def room(self) -> int:
        """Cells of a line beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        index = int(self.scroll_offset.y) + y
        known = 0 <= index < self.laid_out()
        strip = self.line_at(index).adjust_cell_length(self.room) if known else Strip.blank(self.room)
        return on_ground(self, strip)
