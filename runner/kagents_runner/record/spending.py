"""Tokens and cost: one journal entry a model request, and the sums for the status.

What a gateway has metered is taken from its ledger as it stands there. Without one a response is read from
the transcript, where it stands as several lines with the same request id, whose counts grow; so a request is
journalled once its lines have been quiet for a moment. Neither is ever journalled twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.pricing import VERSION, Tokens, price
from kagents_runner.record.clock import seconds
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.sums import Breakdown, Sums

QUIET: Final = 1.5
"""Seconds without a new line after which a request's counts are final."""

Entries = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Response:
    """Counts of one model request as a transcript shows them so far. ``at`` is RFC 3339."""

    agent: str
    request_id: str
    model: str
    tokens: Tokens
    at: str


class Spending:
    """Collects responses into ``usage`` entries."""

    def __init__(self, metered: Iterable[str] = (), agents: Iterable[str] = ()) -> None:
        """``metered``: those of the ``agents`` whose requests a gateway counts: transcripts say nothing."""
        self._metered = frozenset(metered)
        self._agents = tuple(agents)
        self._open: dict[tuple[str, str], tuple[Response, float]] = {}
        self._done = PackedTable()
        self._sums = Breakdown(metered=bool(self._metered))

    @property
    def total(self) -> Sums:
        """Of all agents."""
        return self._sums.total

    def of_agent(self, agent: str) -> Sums | None:
        """Of one agent; None before its first request."""
        return self._sums.by_agent.get(agent)

    def shown(self) -> dict[str, Any]:
        """``status.usage``."""
        return self._sums.shown(self._agents)

    def observed(self, response: Response, now: float) -> None:
        """A line of a transcript tells of a request; the last line of a request counts."""
        key = response.agent, response.request_id
        if _name(key) not in self._done and response.agent not in self._metered:
            self._open[key] = response, now + QUIET

    def metered(self, entries: Iterable[Mapping[str, Any]]) -> Entries:
        """Those entries of a gateway's ledger that are not journalled yet."""
        return [entry for entry in entries if _name((entry["agent"], entry["requestId"])) not in self._done]

    def due(self, now: float, *, last: bool = False) -> Entries:
        """Entries of the requests whose counts are final; at the ``last``, of all."""
        ready = [response for response, quiet in self._open.values() if last or quiet <= now]
        return [self._entry(response) for response in ready]

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        return min((quiet for _, quiet in self._open.values()), default=None)

    def learn(self, entry: Mapping[str, Any], at: float) -> None:
        """Adds a ``usage`` entry that is being journalled, at ``at``, or read again."""
        key = entry["agent"], entry["requestId"]
        self._open.pop(key, None)
        if _name(key) not in self._done:
            self._done.put(_name(key))
            self._sums.add(entry, seconds(entry.get("used"), at))

    def state(self) -> list[list[Any]]:
        """Requests that are not journalled yet, to be saved with the places in the transcripts."""
        return [
            [r.agent, r.request_id, r.model, r.at, t.input, t.output, t.cache_read, t.cache_write_5m]
            for r, _ in self._open.values()
            for t in (r.tokens,)
        ]

    def load(self, state: list[list[Any]], now: float) -> None:
        """Takes over what ``state`` gave."""
        for agent, request_id, model, at, *counts in state:
            self.observed(Response(agent, request_id, model, Tokens(*counts), at), now)

    @staticmethod
    def _entry(response: Response) -> Mapping[str, Any]:
        tokens = response.tokens
        cost = price(response.model, tokens, day=response.at or "9999")
        entry: dict[str, Any] = {
            "kind": "usage",
            "agent": response.agent,
            "model": response.model,
            "requestId": response.request_id,
            "inputTokens": tokens.input,
            "outputTokens": tokens.output,
            "cacheReadTokens": tokens.cache_read,
            "cacheWriteTokens": tokens.cache_write_5m,
            "costMicros": cost.micros,
            "estimated": True,
            "prices": VERSION,
        }
        return entry if cost.known else entry | {"unknownModel": True}


def _name(key: tuple[str, str]) -> bytes:
    return "\0".join(key).encode("utf-8", "surrogatepass")
