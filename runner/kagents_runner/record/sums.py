"""What was used, added up: of the whole team, by agent, by agent and model, and by hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kagents_core.api.spending import MOST_HOURS, MOST_MODELS

MOST_UNKNOWN: Final = 8
"""Models without a price that are named."""
OTHER: Final = "other"
"""Stands for the models beyond those that are told apart: names in transcripts are the agents' to choose."""
_ROOM_FOR_OTHERS: Final = 64
"""More than a team has agents, so that each may have an ``OTHER`` of its own."""


@dataclass(slots=True)
class Sums:
    """Tokens, requests and micro-dollars so far."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    requests: int = 0
    micros: int = 0

    def add(self, entry: Mapping[str, Any]) -> None:
        """Adds a ``usage`` entry."""
        self.input += entry["inputTokens"]
        self.output += entry["outputTokens"]
        self.cache_read += entry["cacheReadTokens"]
        self.cache_write += entry["cacheWriteTokens"]
        self.micros += entry["costMicros"]
        self.requests += 1

    def shown(self) -> dict[str, int]:
        """As the status has it."""
        return {
            "inputTokens": self.input,
            "outputTokens": self.output,
            "cacheReadTokens": self.cache_read,
            "cacheWriteTokens": self.cache_write,
            "requests": self.requests,
            "costMicros": self.micros,
        }


class Breakdown:
    """The sums, and what is to be said of how they came about."""

    def __init__(self, *, metered: bool) -> None:
        """``metered``: a gateway counts, so nothing is an estimate until an entry says that it is one."""
        self.total = Sums()
        self.by_agent: dict[str, Sums] = {}
        self._by_model: dict[tuple[str, str], Sums] = {}
        self._hours: dict[str, list[int]] = {}
        self._unknown: dict[str, None] = {}
        self._prices: str | None = None
        self._estimated = not metered

    def add(self, entry: Mapping[str, Any], at: float) -> None:
        """Adds a ``usage`` entry of a request that ended at ``at``."""
        agent = entry["agent"]
        pair = agent, entry["model"]
        if pair not in self._by_model and len(self._by_model) >= MOST_MODELS - _ROOM_FOR_OTHERS:
            pair = agent, OTHER
        before = self.total.input, self.total.output, self.total.cache_read, self.total.cache_write
        for sums in (self.total, self.by_agent.setdefault(agent, Sums()), self._models(pair)):
            sums.add(entry)
        after = self.total.input, self.total.output, self.total.cache_read, self.total.cache_write
        self._add_hour(at, entry["costMicros"], sum(after) - sum(before))
        self._estimated |= entry["estimated"]
        self._prices = entry.get("prices", self._prices)
        if entry.get("unknownModel") and len(self._unknown) < MOST_UNKNOWN:
            self._unknown[entry["model"]] = None

    def shown(self, agents: Iterable[str]) -> dict[str, Any]:
        """``status.usage``; ``agents`` in the order in which people declared them."""
        usage: dict[str, Any] = self.total.shown() | {"estimated": self._estimated}
        if self._prices is not None:
            usage["prices"] = self._prices
        if self._unknown:
            usage["unknownModels"] = list(self._unknown)
        place = {name: index for index, name in enumerate(agents)}
        pairs = sorted(self._by_model, key=lambda pair: (place.get(pair[0], len(place)), pair[1]))
        if pairs:
            usage["byModel"] = [
                {"agent": agent, "model": model, **self._by_model[agent, model].shown()}
                for agent, model in pairs
            ]
            usage["hours"] = [
                {"hour": hour, "costMicros": micros, "tokens": tokens}
                for hour, (micros, tokens) in sorted(self._hours.items())[-MOST_HOURS:]
            ]
        return usage

    def _models(self, pair: tuple[str, str]) -> Sums:
        return self._by_model.setdefault(pair, Sums())

    def _add_hour(self, at: float, micros: int, tokens: int) -> None:
        hour = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H")
        sums = self._hours.setdefault(hour, [0, 0])
        sums[0] += micros
        sums[1] += tokens
        if len(self._hours) > 2 * MOST_HOURS:
            for old in sorted(self._hours)[:-MOST_HOURS]:
                del self._hours[old]
