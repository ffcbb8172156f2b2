"""Tokens and money of a journal: per agent and model, and over time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText
from kagents_tui.journal.agents import spent
from kagents_tui.rows.fields import line, moment, whole

if TYPE_CHECKING:
    from kagents_tui.journal_view import JournalView

SPEND_POINTS: Final = 512
"""Points of the curve of spending; when there are more, every second one goes."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and micro-dollars of one agent on one model. ``estimated``: not from a gateway's ledger."""

    agent: SafeText
    model: SafeText
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: int = 0
    estimated: bool = False


@dataclass(slots=True)
class Ledger:
    """All that was spent. ``curve`` holds (moment, micro-dollars of the team so far), oldest first."""

    rows: dict[tuple[str, str], Spent] = field(default_factory=dict)
    total: int = 0
    curve: list[tuple[datetime, int]] = field(default_factory=list)
    _step: int = 1
    _skipped: int = 0

    def add(self, agent: SafeText, entry: Mapping[str, Any]) -> int:
        """Takes one request in; its micro-dollars."""
        model = line(entry.get("model") or "unknown", 60)
        before = self.rows.get((agent, model)) or Spent(agent, model)
        cost = count(entry, "costMicros")
        self.rows[agent, model] = Spent(
            agent,
            model,
            before.requests + 1,
            before.input_tokens + count(entry, "inputTokens"),
            before.output_tokens + count(entry, "outputTokens"),
            before.cache_read_tokens + count(entry, "cacheReadTokens"),
            before.cache_write_tokens + count(entry, "cacheWriteTokens"),
            before.cost + cost,
            before.estimated or entry.get("estimated") is True,
        )
        self.total += cost
        self._mark(moment(entry.get("at")))
        return cost

    def estimated(self, agent: str | None = None) -> bool:
        """Whether something of it, or of this agent's part, was counted by no gateway."""
        return any(row.estimated for row in self.rows.values() if agent in (None, row.agent))

    def _mark(self, at: datetime | None) -> None:
        """Adds a point to the curve, the coarser the longer it is."""
        self._skipped += 1
        if at is None or (self._skipped < self._step and self.curve):
            return
        self._skipped = 0
        self.curve.append((at, self.total))
        if len(self.curve) > SPEND_POINTS:
            self.curve = self.curve[1::2]
            self._step *= 2

    def per_hour(self, now: datetime, window: timedelta = timedelta(hours=1)) -> int | None:
        """Micro-dollars an hour over the last ``window``, or over its whole life if that is shorter.

        None while nothing was spent, or while it lives for less than a minute.
        """
        if not self.curve:
            return None
        begin = max(self.curve[0][0], now - window)
        lived = (now - begin).total_seconds()
        if lived < 60:
            return None
        before = 0
        for at, total in self.curve:
            if at >= begin:
                break
            before = total
        return round((self.total - before) * 3600 / lived)


def count(entry: Mapping[str, Any], name: str) -> int:
    """A number of an entry, 0 when it is none or below 0."""
    return max(0, whole(entry.get(name)))


def usage(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A request to a model was answered."""
    agent = line(entry.get("agent"), 100)
    spent(view, agent, view.ledger.add(agent, entry))
    for watcher in view.watchers:
        watcher.usage = True
