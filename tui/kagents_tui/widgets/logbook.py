"""A log to read: lines in the order of their times, followed, searched, marked; memory is bounded.

Paints only what is in view, and wraps only what is new.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import clock
from kagents_tui.rows.fields import line
from kagents_tui.theme import monochrome, style
from kagents_tui.widgets.entries import LIMIT, Entries, Entry, Mark
from kagents_tui.widgets.searched import Searched, marked
from kagents_tui.widgets.wrapping import wrapped

STAMP = 9
"""Cells of a time and the gap behind it."""


class LogBook(Searched, inherit_bindings=False):
    """Lines of harmless text with times, labels, tones and anchors; at most ``limit``, the oldest go."""

    class Moved(Message):
        """Another line is the first in view."""

    def __init__(
        self,
        *,
        limit: int = LIMIT,
        follow: bool = True,
        wrap: bool = True,
        stamps: bool = True,
        labels: int = 0,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """``labels`` is the width of the labels' column, 0 for none."""
        super().__init__(id=id)
        self.follow = follow
        self.wrap = wrap
        self.stamps = stamps
        self.labels = labels
        self.since: datetime | None = None
        """Lines before are not shown."""
        self._kept = Entries(limit)
        self._painted: list[tuple[int, int, SafeText | str]] = []
        """Number of the entry since the beginning, number of the piece, the piece."""
        self._jumped: tuple[int, int] | None = None
        """Where a jump or a search has led, as numbers of entry and piece; near the end it is not on top."""

    # What is kept

    @property
    def entries(self) -> list[Entry]:
        """What is kept, shown or not."""
        return self._kept.kept

    @property
    def limit(self) -> int:
        """How many lines are kept at most."""
        return self._kept.limit

    @property
    def dropped(self) -> int:
        """How many lines went because there were too many."""
        return self._kept.dropped

    @property
    def lines(self) -> list[str]:
        """What is kept as plain text, for copying and saving: the times in full."""
        return [self._plain(each) for each in self.entries]

    def _plain(self, entry: Entry) -> str:
        stamp = f"{entry.at.isoformat(timespec='milliseconds')} " if self.stamps and entry.at else ""
        label = f"{entry.label:<{self.labels}}" if self.labels else ""
        return f"{stamp}{label}{entry.text}"

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self._painted, self._jumped = [], None
        self._flow()

    def add(self, new: Iterable[Entry]) -> None:
        """Takes lines in, each behind those of the same time or before. Without a time: behind the last."""
        changed = self._kept.add(new)
        if changed is None:
            return
        if changed == 0:
            self._flow()
        else:
            self._flow_from(changed)
        self._show()

    def insert_before(self, new: Sequence[Entry]) -> None:
        """Puts an older page in front, and stays at what is in view."""
        before, offset = len(self._painted), int(self.scroll_offset.y)
        if not self._kept.put_before(new):
            return
        self._jumped = None
        self._flow()
        self.virtual_size = Size(self.room, len(self._painted))
        self.scroll_to(y=offset + len(self._painted) - before, animate=False, immediate=True, force=True)

    def mark(self, text: SafeText, at: datetime | None) -> None:
        """Puts a line of the person's own at the end."""
        last = self._kept.latest or at
        self.add([Mark(max(at, last) if at and last else at, line(""), text)])

    # How it is shown

    def toggle_wrap(self) -> None:
        """Wraps long lines, or cuts them."""
        self.wrap = not self.wrap
        self._reflow_in_place()

    def toggle_stamps(self) -> None:
        """Shows the times of the lines, or not."""
        self.stamps = not self.stamps
        self._reflow_in_place()

    def show_since(self, since: datetime | None) -> None:
        """Shows lines from this time on only; None shows all."""
        if since != self.since:
            self.since = since
            self._flow()
            self._show()

    def _reflow_in_place(self) -> None:
        offset = int(self.scroll_offset.y)
        number = self._painted[offset][0] if offset < len(self._painted) else 0
        self._flow()
        self._show()
        if not self.follow:
            self.go_to(bisect_left(self._painted, (number, 0, "")))

    def _flow(self) -> None:
        """Lays everything out anew."""
        self._painted = []
        self._flow_from(0)

    def _flow_from(self, at: int) -> None:
        """Lays the entries from this one on out anew."""
        if self.since is not None:
            at = max(at, self._kept.index_at(self.since))
        first = self._kept.first
        start = bisect_left(self._painted, (first + at, 0, ""))
        del self._painted[start:]
        width = self.room - 2 - (STAMP if self.stamps else 0) - self.labels
        for number in range(at, len(self.entries)):
            text = self.entries[number].text
            pieces = wrapped(text, max(8, width)) if self.wrap and self.room else [text]
            self._painted += [(first + number, piece, each) for piece, each in enumerate(pieces)]

    def _show(self) -> None:
        self.virtual_size = Size(self.room, len(self._painted))
        self.refresh()
        if self.follow:
            self.scroll_end(animate=False, immediate=True, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are wrapped anew."""
        self._reflow_in_place()

    # Moving

    def move(self, step: str) -> None:
        self._jumped = None
        super().move(step)

    def go_to(self, index: int) -> None:
        super().go_to(index)
        self.post_message(self.Moved())

    @property
    def position(self) -> int:
        """Index in ``entries`` of the line that one is at: where one jumped to, else the first in view."""
        at = self.here()
        return self._painted[at][0] - self._kept.first if at < len(self._painted) else len(self.entries)

    def here(self) -> int:
        offset = int(self.scroll_offset.y)
        if self._jumped is None:
            return offset
        at = bisect_left(self._painted, (*self._jumped, ""))
        return at if offset <= at < offset + max(1, self.size.height) else offset

    def show_match(self, index: int) -> None:
        self._jumped = self._painted[index][:2]
        super().show_match(index)
        self.refresh()

    def jump(self, anchors: Sequence[str], step: int) -> bool:
        """Goes to the next (+1) or previous (-1) line that begins one of these; whether there is one."""
        here = self.here()
        order = range(here + 1, len(self._painted)) if step > 0 else range(here - 1, -1, -1)
        for index in order:
            number, piece, _ = self._painted[index]
            if piece == 0 and self.entries[number - self._kept.first].anchor in anchors:
                self.show_match(index)
                return True
        return False

    # Painting

    def laid_out(self) -> int:
        return len(self._painted)

    def text_at(self, index: int) -> str:
        return self._painted[index][2]

    def line_at(self, index: int) -> Strip:
        colourless = monochrome(self)
        number, piece, text = self._painted[index]
        entry = self.entries[number - self._kept.first]
        pointer = ">" if (number, piece) == self._jumped else " "
        prefix = Segment(f"{pointer}{self._prefix(entry, piece)}", style("dim", monochrome=colourless))
        return Strip([prefix, *marked(text, self.pattern, style(entry.tone, monochrome=colourless))])

    def _prefix(self, entry: Entry, piece: int) -> str:
        stamp = ""
        if self.stamps:
            stamp = f"{clock(entry.at):<8} " if piece == 0 and entry.at else " " * STAMP
        label = f"{entry.label if piece == 0 else '':<{self.labels}}" if self.labels else ""
        return stamp + label


def since_of(now: datetime, minutes: int | None) -> datetime | None:
    """The time so many minutes ago; None for all."""
    return None if minutes is None else now - timedelta(minutes=minutes)
