"""The lines of a log as they are kept: in the order of their times, at most so many, the oldest go.

Numbers of entries count from the first that ever was, so that they stay when older ones go.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from kagents_core.safetext import SafeText
from kagents_tui.rows.cells import Tone

LIMIT: Final = 20_000
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the person's own."""

    at: datetime | None
    label: SafeText
    text: SafeText
    tone: Tone = "warn"
    anchor: str = "mark"


class Entries:
    """Entries by time; one without a time stands behind the one before."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.kept: list[Entry] = []
        self.first = 0
        """Number of ``kept[0]``."""
        self.dropped = 0
        self._times: list[datetime] = []

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def latest(self) -> datetime | None:
        """The time of the last entry."""
        return self._times[-1] if self._times else None

    def clear(self) -> None:
        """Forgets everything."""
        self.kept, self._times = [], []
        self.first = self.dropped = 0

    def add(self, new: Iterable[Entry]) -> int | None:
        """Takes entries in, each behind those of the same time or before.

        Gives the index from which on others stand in ``kept`` than before; None when nothing came.
        """
        last = self.latest or _EPOCH
        timed: list[tuple[datetime, Entry]] = []
        for each in new:
            last_known = timed[-1][0] if timed else last
            timed.append((each.at or last_known, each))
        if not timed:
            return None
        timed.sort(key=lambda pair: pair[0])
        late = bool(self._times) and timed[0][0] < self._times[-1]
        at = bisect_right(self._times, timed[0][0]) if late else len(self._times)
        tail = [*zip(self._times[at:], self.kept[at:], strict=True), *timed]
        if late:
            tail.sort(key=lambda pair: pair[0])
        self._times[at:] = [time for time, _ in tail]
        self.kept[at:] = [entry for _, entry in tail]
        return 0 if self._trim() else at

    def put_before(self, new: Sequence[Entry]) -> bool:
        """Puts an older page in front, as much as there is room for; whether any of it is kept."""
        room = max(0, self.limit - len(self.kept))
        older = list(new)[len(new) - min(room, len(new)) :]
        first = self._times[0] if self._times else _EPOCH
        self._times[:0] = [min(each.at or first, first) for each in older]
        self.kept[:0] = older
        return bool(older)

    def index_at(self, since: datetime) -> int:
        """Index of the first entry of this time or later."""
        return bisect_left(self._times, since)

    def _trim(self) -> bool:
        """Drops the oldest, a tenth of the limit at once; whether it did."""
        if len(self.kept) <= self.limit:
            return False
        surplus = len(self.kept) - self.limit + self.limit // 10
        del self.kept[:surplus]
        del self._times[:surplus]
        self.first += surplus
        self.dropped += surplus
        return True
