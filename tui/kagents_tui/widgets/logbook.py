"""A log to read: lines in the order of their times, followed, searched, marked; memory is bounded.

Paints only what is in view, and wraps only what is new.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import clock
from kagents_tui.rows.cells import Tone
from kagents_tui.rows.fields import line
from kagents_tui.theme import monochrome, on_ground, style
from kagents_tui.widgets.document import wrapped

LIMIT: Final = 20_000
REVERSED: Final = Style(reverse=True)
_EPOCH: Final = datetime.min.replace(tzinfo=UTC)


class Entry(Protocol):
    """What is kept: ``kagents_tui.rows.agentlog.LogLine``."""

    @property
    def at(self) -> datetime | None: ...
    @property
    def label(self) -> SafeText: ...
    @property
    def text(self) -> SafeText: ...
    @property
    def tone(self) -> Tone: ...
    @property
    def anchor(self) -> str: ...


class LogBook(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines of harmless text with times, labels, tones and anchors; at most ``limit``, the oldest go."""

    DEFAULT_CSS = "LogBook { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"

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
        self.limit = limit
        self.follow = follow
        self.wrap = wrap
        self.stamps = stamps
        self.labels = labels
        self.dropped = 0
        self.since: datetime | None = None
        """Lines before are not shown."""
        self.pattern: re.Pattern[str] | None = None
        self.entries: list[Entry] = []
        self._times: list[datetime] = []
        self._painted: list[tuple[int, int, SafeText | str]] = []
        """Number of the entry since the beginning, number of the piece, the piece."""
        self._first = 0
        """Number of ``entries[0]``."""
        self._jumped: tuple[int, int] | None = None
        """Where a jump or a search has led, as numbers of entry and piece; near the end it is not on top."""

    @property
    def lines(self) -> list[str]:
        """What is kept as plain text, for copying and saving: the times in full."""
        return [self._plain(each) for each in self.entries]

    def _plain(self, entry: Entry) -> str:
        stamp = f"{entry.at.isoformat(timespec='milliseconds')} " if self.stamps and entry.at else ""
        label = f"{entry.label:<{self.labels}}" if self.labels else ""
        return f"{stamp}{label}{entry.text}"

    # What is kept

    def clear(self) -> None:
        """Forgets everything."""
        self.entries, self._times, self._painted, self._jumped = [], [], [], None
        self._first = self.dropped = 0
        self._flow()

    def add(self, new: Iterable[Entry]) -> None:
        """Takes lines in, each behind those of the same time or before. Without a time: behind the last."""
        last = self._times[-1] if self._times else _EPOCH
        timed: list[tuple[datetime, Entry]] = []
        for each in new:
            last_known = timed[-1][0] if timed else last
            timed.append((each.at or last_known, each))
        if not timed:
            return
        timed.sort(key=lambda pair: pair[0])
        late = bool(self._times) and timed[0][0] < self._times[-1]
        at = bisect_right(self._times, timed[0][0]) if late else len(self._times)
        tail = [*zip(self._times[at:], self.entries[at:], strict=True), *timed]
        if late:
            tail.sort(key=lambda pair: pair[0])
        self._times[at:] = [time for time, _ in tail]
        self.entries[at:] = [entry for _, entry in tail]
        if not self._trim():
            self._flow_from(at)
        self._show()

    def insert_before(self, new: Sequence[Entry]) -> None:
        """Puts an older page in front, and stays at what is in view."""
        room = max(0, self.limit - len(self.entries))
        kept = list(new)[len(new) - min(room, len(new)) :]
        if not kept:
            return
        self._jumped = None
        before, offset = len(self._painted), int(self.scroll_offset.y)
        first = self._times[0] if self._times else _EPOCH
        self._times[:0] = [min(each.at or first, first) for each in kept]
        self.entries[:0] = kept
        self._flow()
        self.virtual_size = Size(self.room, len(self._painted))
        self.scroll_to(y=offset + len(self._painted) - before, animate=False, immediate=True, force=True)

    def _trim(self) -> bool:
        """Drops the oldest, a tenth of the limit at once; whether it did."""
        if len(self.entries) <= self.limit:
            return False
        surplus = len(self.entries) - self.limit + self.limit // 10
        del self.entries[:surplus]
        del self._times[:surplus]
        self._first += surplus
        self.dropped += surplus
        self._flow()
        return True

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

    def mark(self, text: SafeText, at: datetime | None) -> None:
        """Puts a line of the person's own at the end."""
        last = self._times[-1] if self._times else at
        self.add([_Mark(max(at, last) if at and last else at, line(""), text)])

    def _reflow_in_place(self) -> None:
        offset = int(self.scroll_offset.y)
        number = self._painted[offset][0] if offset < len(self._painted) else 0
        self._flow()
        self._show()
        if not self.follow:
            self._to(bisect_left(self._painted, (number, 0, "")))

    def _prefix(self, entry: Entry, piece: int) -> str:
        stamp = ""
        if self.stamps:
            stamp = f"{clock(entry.at):<8} " if piece == 0 and entry.at else " " * 9
        label = f"{entry.label if piece == 0 else '':<{self.labels}}" if self.labels else ""
        return stamp + label

    def _flow(self) -> None:
        """Lays everything out anew."""
        self._painted = []
        self._flow_from(0)

    def _flow_from(self, at: int) -> None:
        """Lays the entries from this one on out anew."""
        if self.since is not None:
            at = max(at, bisect_left(self._times, self.since))
        start = bisect_left(self._painted, (self._first + at, 0, ""))
        del self._painted[start:]
        width = self.room - 2 - (9 if self.stamps else 0) - self.labels
        for number in range(at, len(self.entries)):
            text = self.entries[number].text
            pieces = wrapped(text, max(8, width)) if self.wrap and self.room else [text]
            self._painted += [(self._first + number, piece, each) for piece, each in enumerate(pieces)]

    def _show(self) -> None:
        self.virtual_size = Size(self.room, len(self._painted))
        self.refresh()
        if self.follow:
            self.scroll_end(animate=False, immediate=True, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are wrapped anew."""
        self._reflow_in_place()

    @property
    def room(self) -> int:
        """Cells of a line beside the scroll bar."""
        return self.scrollable_content_region.width

    # Moving

    def move(self, step: str) -> None:
        """Scrolls; going up stops following, going to the end follows again."""
        page, offset = max(1, self.size.height - 1), int(self.scroll_offset.y)
        last = max(0, len(self._painted) - self.size.height)
        steps = {"up": offset - 1, "down": offset + 1, "first": 0, "last": last}
        steps |= {"page_up": offset - page, "page_down": offset + page}
        if step in ("up", "first", "page_up"):
            self.follow = False
        self._jumped = None
        self._to(max(0, min(steps[step], last)))

    def _to(self, index: int) -> None:
        self.scroll_to(y=index, animate=False, immediate=True, force=True)
        self.post_message(self.Moved())

    @property
    def position(self) -> int:
        """Index in ``entries`` of the line that one is at: where one jumped to, else the first in view."""
        at = self._here()
        return self._painted[at][0] - self._first if at < len(self._painted) else len(self.entries)

    def _here(self) -> int:
        offset = int(self.scroll_offset.y)
        if self._jumped is None:
            return offset
        at = bisect_left(self._painted, (*self._jumped, ""))
        return at if offset <= at < offset + max(1, self.size.height) else offset

    def _jump_to(self, index: int) -> None:
        self.follow = False
        self._jumped = self._painted[index][:2]
        self._to(index)
        self.refresh()

    def jump(self, anchors: Sequence[str], step: int) -> bool:
        """Goes to the next (+1) or previous (-1) line that begins one of these; whether there is one."""
        here = self._here()
        order = range(here + 1, len(self._painted)) if step > 0 else range(here - 1, -1, -1)
        for index in order:
            number, piece, _ = self._painted[index]
            if piece == 0 and self.entries[number - self._first].anchor in anchors:
                self._jump_to(index)
                return True
        return False

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
        found = sum(1 for *_, each in self._painted if self.pattern.search(each))
        if found:
            self.next_match(+1, here=True)
        return found

    def next_match(self, step: int, *, here: bool = False) -> bool:
        """Goes to the next (+1) or previous (-1) matching line, around the end; whether there is one."""
        if self.pattern is None or not self._painted:
            return False
        start, count = self._here(), len(self._painted)
        for away in range(0 if here else 1, count + 1):
            index = (start + step * away) % count
            if self.pattern.search(self._painted[index][2]):
                self._jump_to(index)
                return True
        return False

    # Painting

    def render_line(self, y: int) -> Strip:
        return on_ground(self, self._line(y))

    def _line(self, y: int) -> Strip:
        colourless = monochrome(self)
        index = int(self.scroll_offset.y) + y
        if not 0 <= index < len(self._painted):
            return Strip.blank(self.room)
        number, piece, text = self._painted[index]
        entry = self.entries[number - self._first]
        plain = style(entry.tone, monochrome=colourless)
        pointer = ">" if (number, piece) == self._jumped else " "
        prefix = Segment(f"{pointer}{self._prefix(entry, piece)}", style("dim", monochrome=colourless))
        return Strip([prefix, *self._marked(text, plain)]).adjust_cell_length(self.room)

    def _marked(self, text: str, plain: Style) -> list[Segment]:
        """The text with its matches in reversed video."""
        if self.pattern is None:
            return [Segment(text, plain)]
        segments, at = [], 0
        for match in islice(self.pattern.finditer(text), 50):
            if match.end() > match.start():
                segments.append(Segment(text[at : match.start()], plain))
                segments.append(Segment(match.group(), plain + REVERSED))
                at = match.end()
        return [*segments, Segment(text[at:], plain)]


class _Mark:
    """A mark, as an entry."""

    tone: Tone = "warn"
    anchor = "mark"

    def __init__(self, at: datetime | None, label: SafeText, text: SafeText) -> None:
        self.at = at
        self.label = label
        self.text = text


def since_of(now: datetime, minutes: int | None) -> datetime | None:
    """The time so many minutes ago; None for all."""
    return None if minutes is None else now - timedelta(minutes=minutes)
