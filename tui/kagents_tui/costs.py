"""What teams have cost, of those that live and of the records of those that are gone. Pure.

The command ``kagents cost`` and the terminal's list of costs show the same sums.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from kagents_tui.rows.fields import mapping, metered, micros, moment, sequence, whole
from kagents_tui.rows.teams import TOKENS


@dataclass(frozen=True, slots=True)
class Part:
    """What one agent has used of one model."""

    agent: str
    model: str
    cost: int
    tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class Hour:
    """What was used in one hour of UTC."""

    at: datetime
    cost: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Cost:
    """One team's cost. ``recorded``: it comes from the record that outlives the team."""

    namespace: str
    team: str
    uid: str
    phase: str
    labels: Mapping[str, str]
    cost: int
    tokens: int
    requests: int
    estimated: bool
    recorded: bool
    ended: datetime | None
    parts: tuple[Part, ...] = ()
    hours: tuple[Hour, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """A row of a list of costs. ``requests`` is None where it is not known."""

    key: tuple[str, ...]
    cost: int = 0
    tokens: int = 0
    requests: int | None = 0
    estimated: bool = False
    teams: frozenset[str] = field(default_factory=frozenset)
    """UIDs."""


def of_team(team: Mapping[str, Any]) -> Cost | None:
    """A team's cost so far; None when it has cost nothing. Never raises on a malformed object."""
    metadata, status = mapping(team.get("metadata")), mapping(team.get("status"))
    usage = mapping(status.get("usage"))
    cost = whole(usage.get("costMicros")) or micros(status.get("estimatedCost")) or 0
    found = _of(
        metadata, {**usage, "costMicros": cost}, str(metadata.get("name", "")), str(metadata.get("uid", ""))
    )
    if not (found.cost or found.tokens):
        return None
    labels = {str(key): str(value) for key, value in mapping(metadata.get("labels")).items()}
    ended = moment(status.get("completedAt"))
    return replace(found, phase=str(status.get("phase") or "Pending"), labels=labels, ended=ended)


def of_record(record: Mapping[str, Any]) -> Cost:
    """The cost that an AgentUsage keeps. Never raises on a malformed object."""
    spec = mapping(record.get("spec"))
    found = _of(mapping(record.get("metadata")), spec, str(spec.get("team", "")), str(spec.get("uid", "")))
    labels = {str(key): str(value) for key, value in mapping(spec.get("labels")).items()}
    ended = moment(spec.get("endedAt"))
    return replace(found, phase=str(spec.get("phase") or ""), labels=labels, ended=ended, recorded=True)


def together(teams: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]) -> list[Cost]:
    """Each team once: as it lives, else as it is recorded."""
    found = {cost.uid: cost for cost in map(of_record, records)}
    found |= {cost.uid: cost for cost in map(of_team, teams) if cost is not None}
    return list(found.values())


def by_team(costs: Iterable[Cost]) -> list[Sum]:
    """One row a team, the dearest first."""
    return _dearest_first(
        ((cost.namespace, cost.team, cost.phase), cost, cost.cost, cost.tokens, cost.requests)
        for cost in costs
    )


def by_agent(costs: Iterable[Cost]) -> list[Sum]:
    """One row an agent of a team, the dearest first."""
    return _dearest_first(
        ((cost.namespace, cost.team, part.agent), cost, part.cost, part.tokens, part.requests)
        for cost in costs
        for part in parts_of(cost)
    )


def by_model(costs: Iterable[Cost]) -> list[Sum]:
    """One row a model, the dearest first."""
    return _dearest_first(
        ((part.model,), cost, part.cost, part.tokens, part.requests)
        for cost in costs
        for part in parts_of(cost)
    )


def by_time(costs: Iterable[Cost], form: str, zone: tzinfo) -> list[Sum]:
    """One row a day or month of that zone, the latest first. An hour counts where it begins."""
    rows = _summed(
        ((hour.at.astimezone(zone).strftime(form),), cost, hour.cost, hour.tokens, None)
        for cost in costs
        for hour in hours_of(cost)
    )
    return sorted(rows, key=lambda row: row.key, reverse=True)


def since(costs: Iterable[Cost], start: datetime) -> Iterator[Cost]:
    """Only what was used from the hour of that moment on; requests are not known by the hour."""
    begin = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for cost in costs:
        hours = tuple(hour for hour in hours_of(cost) if hour.at >= begin)
        if hours:
            spent, tokens = sum(hour.cost for hour in hours), sum(hour.tokens for hour in hours)
            yield replace(cost, hours=hours, cost=spent, tokens=tokens, parts=())


def total(rows: Sequence[Sum]) -> Sum:
    """All rows together."""
    known = [row.requests for row in rows if row.requests is not None]
    return Sum(
        (),
        sum(row.cost for row in rows),
        sum(row.tokens for row in rows),
        sum(known) if len(known) == len(rows) else None,
        any(row.estimated for row in rows),
        frozenset().union(*(row.teams for row in rows)),
    )


def parts_of(cost: Cost) -> tuple[Part, ...]:
    """Its agents and models; one nameless part where an older recorder has not told them apart."""
    return cost.parts or (Part("", "", cost.cost, cost.tokens, cost.requests),)


def hours_of(cost: Cost) -> tuple[Hour, ...]:
    """Its hours; where an older recorder has told none, all of it in the hour of its end."""
    if cost.hours or cost.ended is None:
        return cost.hours
    at = cost.ended.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return (Hour(at, cost.cost, cost.tokens),)


_Entry = tuple[tuple[str, ...], Cost, int, int, int | None]


def _dearest_first(entries: Iterable[_Entry]) -> list[Sum]:
    return sorted(_summed(entries), key=lambda row: (-row.cost, row.key))


def _summed(entries: Iterable[_Entry]) -> list[Sum]:
    rows: dict[tuple[str, ...], Sum] = {}
    teams: dict[tuple[str, ...], set[str]] = {}
    for key, cost, spent, tokens, requests in entries:
        row = rows.get(key, Sum(key))
        teams.setdefault(key, set()).add(cost.uid)
        rows[key] = Sum(
            key,
            row.cost + spent,
            row.tokens + tokens,
            None if requests is None or row.requests is None else row.requests + requests,
            row.estimated or cost.estimated,
        )
    return [replace(row, teams=frozenset(teams[key])) for key, row in rows.items()]


def _of(metadata: Mapping[str, Any], usage: Mapping[str, Any], team: str, uid: str) -> Cost:
    return Cost(
        namespace=str(metadata.get("namespace", "")),
        team=team,
        uid=uid,
        phase="",
        labels={},
        cost=whole(usage.get("costMicros")),
        tokens=_tokens(usage),
        requests=whole(usage.get("requests")),
        estimated=not metered(usage),
        recorded=False,
        ended=None,
        parts=tuple(_each(usage.get("byModel"), _part)),
        hours=tuple(sorted(_each(usage.get("hours"), _hour), key=lambda hour: hour.at)),
    )


def _each(entries: object, read: Callable[[Mapping[str, Any]], Any]) -> Iterator[Any]:
    for entry in sequence(entries):
        made = read(mapping(entry))
        if made is not None:
            yield made


def _part(entry: Mapping[str, Any]) -> Part:
    return Part(
        str(entry.get("agent", "")),
        str(entry.get("model", "")),
        whole(entry.get("costMicros")),
        _tokens(entry),
        whole(entry.get("requests")),
    )


def _hour(entry: Mapping[str, Any]) -> Hour | None:
    try:
        at = datetime.strptime(str(entry.get("hour")), "%Y-%m-%dT%H").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Hour(at, whole(entry.get("costMicros")), whole(entry.get("tokens")))


def _tokens(entry: Mapping[str, Any]) -> int:
    return sum(whole(entry.get(name)) for name in TOKENS)
