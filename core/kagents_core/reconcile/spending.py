"""What a team has spent by the hour, read from its status or from the record that outlives it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from kagents_core.api.quantities import parse_money
from kagents_core.reconcile.periods import Span
from kagents_core.reconcile.times import from_text

_KINDS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")


class HourSpent(NamedTuple):
    """One hour: ``at`` is its begin as seconds of the epoch. There are many: a tuple is made fastest."""

    at: int
    cost_micros: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum."""

    cost_micros: int = 0
    tokens: int = 0


NOTHING: Final = Spent()


@dataclass(frozen=True, slots=True)
class Account:
    """One team's spending."""

    uid: str
    labels: Mapping[str, str]
    hours: tuple[HourSpent, ...]
    estimated: bool

    def within(self, span: Span) -> Spent:
        """What was spent in the hours that begin in this span."""
        start, end = span.start.timestamp(), span.end.timestamp()
        cost = tokens = 0
        for at, cost_micros, used in self.hours:
            if start <= at < end:
                cost += cost_micros
                tokens += used
        return Spent(cost, tokens)


def account_of_team(team: Mapping[str, Any]) -> Account:
    """The account of an AgentTeam object."""
    metadata, status = team["metadata"], team.get("status") or {}
    usage = status.get("usage") or {}
    hours = tuple(_hours(usage.get("hours") or ())) or tuple(_in_one(status, usage))
    return Account(
        metadata["uid"], metadata.get("labels") or {}, hours, bool(hours) and usage.get("estimated", True)
    )


def account_of_record(record: Mapping[str, Any]) -> Account:
    """The account that an AgentUsage object keeps."""
    spec = record.get("spec") or {}
    hours = tuple(_hours(spec.get("hours") or ()))
    return Account(
        str(spec.get("uid", "")), spec.get("labels") or {}, hours, bool(hours) and spec.get("estimated", True)
    )


def tokens_of(usage: Mapping[str, Any]) -> int:
    """Tokens of every kind."""
    return sum(int(usage.get(kind) or 0) for kind in _KINDS)


def cost_of(status: Mapping[str, Any]) -> int:
    """Micro-dollars that a team's status tells of; a recorder of an older release told cents alone."""
    usage = status.get("usage") or {}
    if usage.get("costMicros"):
        return int(usage["costMicros"])
    try:
        return parse_money(str(status.get("estimatedCost") or ""))
    except ValueError:
        return 0


def _hours(entries: Iterable[Mapping[str, Any]]) -> Iterator[HourSpent]:
    for entry in entries:
        at = _begin(str(entry.get("hour", "")))
        if at is not None:
            yield HourSpent(at, int(entry.get("costMicros") or 0), int(entry.get("tokens") or 0))


@lru_cache(maxsize=4096)
def _begin(hour: str) -> int | None:
    try:
        return int(datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _in_one(status: Mapping[str, Any], usage: Mapping[str, Any]) -> Iterator[HourSpent]:
    """A recorder of an older release tells no hours: all of it counts in the hour in which the team began."""
    spent = Spent(cost_of(status), tokens_of(usage))
    started = from_text(status.get("startedAt"))
    if started is not None and spent != NOTHING:
        at = int(started.replace(minute=0, second=0, microsecond=0).timestamp())
        yield HourSpent(at, spent.cost_micros, spent.tokens)
