"""A long text to read: describe, YAML, one message, help. Follows, wraps, searches; memory is bounded.

Takes only ``SafeText``, and paints only the lines in view.
"""

import re
from collections import deque
from collections.abc import Iterable

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from kagents_core.safetext import SafeText, clean
from kagents_tui.theme import monochrome, style
from kagents_tui.widgets.searched import Searched, marked
from kagents_tui.widgets.wrapping import wrapped

KEY = re.compile(r"^(\s*(?:- )?[\w./-]+:)(?=\s|$)")
"""The key of a YAML line, and the label of a describe line."""


class Document(Searched, inherit_bindings=False):
    """Lines of harmless text. ``keys`` tones what stands before a colon."""

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

    def laid_out(self) -> int:
        return len(self._painted)

    def text_at(self, index: int) -> str:
        return self._painted[index]

    def line_at(self, index: int) -> Strip:
        colourless = monochrome(self)
        text = self._painted[index]
        plain, accent = (style(tone, monochrome=colourless) for tone in ("plain", "accent"))
        segments = [Segment(" ", plain)]
        key = KEY.match(text) if self.keys else None
        if key:
            segments += marked(key.group(1), self.pattern, accent)
            text = text[key.end(1) :]
        return Strip([*segments, *marked(text, self.pattern, plain)])
