"""Tokens and cost from transcripts: one journal entry a model request, and the sums for the status.

A response stands in a transcript as several lines with the same request id, whose counts grow; so a request
is journalled once its lines have been quiet for a moment, and never twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.pricing import Tokens, price

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


class Spending:
    """Collects responses into ``usage`` entries."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], tuple[Response, float]] = {}
        self._done: set[tuple[str, str]] = set()
        self.total = Sums()
        self.by_agent: dict[str, Sums] = {}

    def observed(self, response: Response, now: float) -> None:
        """A line of a transcript tells of a request; the last line of a request counts."""
        key = response.agent, response.request_id
        if key not in self._done:
            self._open[key] = response, now + QUIET

    def due(self, now: float) -> Entries:
        """Entries of the requests whose counts are final."""
        ready = [response for response, quiet in self._open.values() if quiet <= now]
        return [self._entry(response) for response in ready]

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        return min((quiet for _, quiet in self._open.values()), default=None)

    def learn(self, entry: Mapping[str, Any]) -> None:
        """Adds a ``usage`` entry that is being journalled or read again."""
        key = entry["agent"], entry["requestId"]
        self._open.pop(key, None)
        if key not in self._done:
            self._done.add(key)
            self.total.add(entry)
            self.by_agent.setdefault(entry["agent"], Sums()).add(entry)

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
        }
        return entry if cost.known else entry | {"unknownModel": True}
