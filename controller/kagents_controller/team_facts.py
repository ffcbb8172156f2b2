"""What metrics tell of a team, taken from its object when it changes. Whatever is odd counts as absent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any

from kagents_core.api.quantities import parse_money
from kagents_core.api.status import TERMINAL_PHASES
from kagents_core.metrics import OTHER
from kagents_core.pricing import known_name

_TOKENS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
TOKEN_KINDS = ("input", "output", "cacheRead", "cacheWrite")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a team waits for a person with: how many, and since when the oldest of them (0: unknown)."""

    kind: str
    count: int
    since: float


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """The numbers of one team."""

    phase: str
    over: bool
    cost_micros: int
    restarts: int
    share: float | None
    """Spent part of its budget."""
    models: tuple[tuple[str, int, tuple[int, ...]], ...]
    """Model, micro-dollars, tokens by kind: of what the status tells by model, and the rest as ``other``."""
    waiting: tuple[Waiting, ...]
    unread: int
    unread_since: float


def facts_of(team: Mapping[str, Any]) -> TeamFacts:
    """The numbers of this team's object."""
    spec, status = _object(team.get("spec")), _object(team.get("status"))
    phase, usage = status.get("phase"), _object(status.get("usage"))
    cost = _count(usage.get("costMicros")) or _micros(status.get("estimatedCost"))
    agents = [_object(status.get("lead")), *map(_object, _list(status.get("teammates")))]
    activity = [_object(each) for each in _list(status.get("activity"))]
    limit = _micros(_object(spec.get("lifecycle")).get("budgetLimit"))
    return TeamFacts(
        phase=intern(phase) if isinstance(phase, str) else "Pending",
        over=phase in TERMINAL_PHASES,
        cost_micros=cost,
        restarts=sum(_count(agent.get("restartCount")) for agent in agents),
        share=cost / limit if limit else None,
        models=_models(usage, cost),
        waiting=tuple(_waiting(status, activity)),
        unread=sum(_count(each.get("unread")) for each in activity),
        unread_since=_earliest(each.get("oldestUnreadAt") for each in activity),
    )


def _models(usage: Mapping[str, Any], cost: int) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
    sums: dict[str, list[int]] = {}
    for each in map(_object, _list(usage.get("byModel"))):
        into = sums.setdefault(_model(str(each.get("model"))[:256]), [0] * 5)
        for place, name in enumerate(("costMicros", *_TOKENS)):
            into[place] += _count(each.get(name))
    told = [sum(column) for column in zip(*sums.values(), strict=True)] or [0] * 5
    whole = [cost, *(_count(usage.get(name)) for name in _TOKENS)]
    rest = [max(0, total - known) for total, known in zip(whole, told, strict=True)]
    if any(rest):
        into = sums.setdefault(OTHER, [0] * 5)
        sums[OTHER] = [known + more for known, more in zip(into, rest, strict=True)]
    return tuple((model, counts[0], tuple(counts[1:])) for model, counts in sums.items())


@lru_cache(1024)
def _model(name: str) -> str:
    return known_name(name) or OTHER


def _waiting(status: Mapping[str, Any], activity: list[Mapping[str, Any]]) -> Iterator[Waiting]:
    for condition in map(_object, _list(status.get("conditions"))):
        if condition.get("type") == "GatesPassed" and condition.get("reason") == "WaitingForApproval":
            teammates = [_object(each) for each in _list(status.get("teammates"))]
            gates = sum(1 for each in teammates if each.get("pendingApproval"))
            # None of the teammates': then it is the gate of the completion action.
            yield Waiting("gate", gates or 1, _earliest([condition.get("lastTransitionTime")]))
    requests = [_object(each) for agent in activity for each in _list(agent.get("requests"))]
    for kind in ("permission", "plan", "question"):
        asked = [each for each in requests if each.get("kind") == kind]
        if asked:
            yield Waiting(kind, len(asked), _earliest(each.get("since") for each in asked))


def _earliest(times: "Iterator[object] | list[object]") -> float:
    return min((moment for time in times if (moment := _moment(time))), default=0.0)


def _moment(text: object) -> float:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return 0.0
    return 0.0 if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _micros(money: object) -> int:
    try:
        return parse_money(money) if isinstance(money, str) else 0
    except ValueError:  # nothing spent yet, or no amount
        return 0


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
