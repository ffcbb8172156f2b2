"""A long text to read: logs, describe, YAML, one message, help. Follows, wraps, searches; memory is bounded.

Takes only ``SafeText``, and paints only the lines in view.
"""

import re
from collections import deque
from collections.abc import Iterable
from itertools import islice

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kagents_core.safetext import SafeText, clean
from kagents_tui.rows.cells import Tone
from kagents_tui.theme import monochrome, on_ground, style

KEY = re.compile(r"^(\s*(?:- )?[\w./-]+:)(?=\s|$)")
"""The key of a YAML line, and the label of a describe line."""

HANGING = re.compile(r"^\s*(?:\S+ ){0,3}\S+\s{2,}|^\s+")
"""A label and the gap behind it, or an indent: what goes on below stands below the words."""

REVERSED = Style(reverse=True)


class Document(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines of harmless text. ``keys`` tones what stands before a colon."""

    DEFAULT_CSS = "Document { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"

    def __init__(
        self,
        *,
        limit: int = 10_000,
        follow: bool = False,
        wrap: bool = True,
        keys: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.lines: deque[str] = deque(maxlen=limit)
        self.follow = follow
        self.wrap = wrap
        self.keys = keys
        self.dropped = 0
        self.pattern: re.Pattern[str] | None = None
        self._painted: list[str] = []
        self._starts: list[int] = []

    def replace(self, text: SafeText) -> None:
        """Shows this text and nothing else."""
        self.lines.clear()
        self.dropped = 0
        self.append(text.expandtabs(4).split("\n"))

    def append(self, lines: Iterable[str]) -> None:
        """Adds lines at the end; the oldest go once the limit is reached."""
        for each in lines:
            if len(self.lines) == self.lines.maxlen:
                self.dropped += 1
            self.lines.append(clean(each, limit=8192, multiline=False))
        self._flow()
        if self.follow:
            self.scroll_end(animate=False, immediate=True, force=True)

    def toggle_wrap(self) -> None:
        """Wraps long lines, or cuts them."""
        self.wrap = not self.wrap
        self._flow()

    def _flow(self) -> None:
        width = max(1, self.room - 2)
        if not self.wrap or not self.room:
            self._painted, self._starts = list(self.lines), list(range(len(self.lines)))
        else:
            self._painted, self._starts = [], []
            for number, each in enumerate(self.lines):
                pieces = wrapped(each, width)
                self._painted += pieces
                self._starts += [number] * len(pieces)
        self.virtual_size = Size(self.room, len(self._painted))
        self.refresh()

    def on_resize(self) -> None:
        """Lines are wrapped anew."""
        self._flow()

    # Searching

    def search(self, text: str) -> int:
        """Marks what matches and goes to the first match from here; how many lines match. Never raises."""
        try:
            self.pattern = re.compile(text, re.IGNORECASE) if text else None
        except re.error:
            self.pattern = re.compile(re.escape(text), re.IGNORECASE)
        self.refresh()
        if self.pattern is None:
            return 0
        found = sum(1 for each in self._painted if self.pattern.search(each))
        if found:
            self.next_match(+1, here=True)
        return found

    def next_match(self, step: int, *, here: bool = False) -> bool:
        """Goes to the next (+1) or previous (-1) matching line, around the end; whether there is one."""
        if self.pattern is None or not self._painted:
            return False
        start, count = int(self.scroll_offset.y), len(self._painted)
        for away in range(0 if here else 1, count + 1):
            index = (start + step * away) % count
            if self.pattern.search(self._painted[index]):
                self.follow = False
                self.scroll_to(y=index, animate=False, immediate=True, force=True)
                return True
        return False

    def move(self, step: str) -> None:
        """Scrolls; going to the end follows it, going up stops that."""
        page = max(1, self.size.height - 1)
        offset = int(self.scroll_offset.y)
        last = max(0, len(self._painted) - self.size.height)
        target = {
            "up": offset - 1,
            "down": offset + 1,
            "first": 0,
            "last": last,
            "page_up": offset - page,
            "page_down": offset + page,
        }[step]
        if step in ("up", "first", "page_up"):
            self.follow = False
        self.scroll_to(y=max(0, min(target, last)), animate=False, immediate=True, force=True)

    # Painting

    @property
    def room(self) -> int:
        """Cells of a line beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        return on_ground(self, self._line(y))

    def _line(self, y: int) -> Strip:
        colourless = monochrome(self)
        index = int(self.scroll_offset.y) + y
        if not 0 <= index < len(self._painted):
            return Strip.blank(self.room)
        text = self._painted[index]
        parts: list[tuple[str, Tone]] = [(" ", "plain")]
        key = KEY.match(text) if self.keys else None
        if key:
            parts.append((key.group(1), "accent"))
            text = text[key.end(1) :]
        parts.append((text, "plain"))
        segments: list[Segment] = []
        for piece, tone in parts:
            segments += self._marked(piece, tone, colourless)
        return Strip(segments).adjust_cell_length(self.room)

    def _marked(self, text: str, tone: Tone, colourless: bool) -> list[Segment]:
        """The text with its matches in reversed video."""
        plain = style(tone, monochrome=colourless)
        if self.pattern is None:
            return [Segment(text, plain)]
        segments, at = [], 0
        for match in islice(self.pattern.finditer(text), 50):
            if match.end() > match.start():
                segments.append(Segment(text[at : match.start()], plain))
                segments.append(Segment(match.group(), plain + style("warn", monochrome=True) + REVERSED))
                at = match.end()
        return [*segments, Segment(text[at:], plain)]


def wrapped(text: str, width: int) -> list[str]:
    """The line in pieces of at most ``width`` cells, cut at a space where there is one near."""
    if (len(text) if text.isascii() else cell_len(text)) <= width:
        return [text]
    label = HANGING.match(text)
    hang = " " * (len(label.group()) if label and label.end() * 3 <= width else 0)
    pieces: list[str] = []
    rest = text
    while (len(rest) if rest.isascii() else cell_len(rest)) > width:
        taken = len(set_cell_size(rest, width).rstrip()) if not rest.isascii() else width
        taken = max(1, taken)
        space = rest.rfind(" ", max(len(hang) + 1, taken - 24), taken)
        taken = space + 1 if space > 0 else taken
        pieces.append(rest[:taken].rstrip())
        rest = hang + rest[taken:]
    return [*pieces, rest]
