"""The recorder's part of the team's status, and when it may be written. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kagents_core.api.constants import API_VERSION
from kagents_core.api.quantities import format_money
from kagents_runner.record.artifacts import shown_artifacts
from kagents_runner.record.asks import AskBoard
from kagents_runner.record.books import Books
from kagents_runner.record.clock import rfc3339
from kagents_runner.record.reports import shown_results

RESULT_LIMIT: Final = 4096
"""Characters of the lead's closing summary that the status keeps."""
REQUESTS_SHOWN: Final = 8
"""Open requests of one agent that the status lists."""
STATE_SECONDS: Final = 1.0
"""Least time between two writes."""
NUMBER_SECONDS: Final = 10.0
"""Least time between two writes when only numbers differ."""
_NUMBERS: Final = ("unread", "oldestUnreadAt", "cost", "heardAt")
_NO_REASON: Final = "messages"
"""It is written together with what else has changed; alone it is no reason for a write but the last."""


def build(books: Books) -> dict[str, Any]:
    """The fields this manager owns."""
    names = [name for name, _ in books.agents]
    status: dict[str, Any] = {
        "tasks": books.tasks.counts(),
        "usage": books.spending.shown(),
        "messages": books.messages,
        "estimatedCost": format_money(books.spending.total.micros),
        "activity": [found for agent in books.agents if (found := _activity(books, *agent)) is not None],
    }
    if reported := shown_results(names, books.results):
        status["results"] = reported
    if made := shown_artifacts(names, books.artifacts):
        status["artifacts"] = made
    if books.result is not None:
        status["result"] = books.result[:RESULT_LIMIT]
    return status


def manifest(name: str, namespace: str, uid: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the server-side apply; ``uid`` keeps it from a team of the same name that came later."""
    metadata = {"name": name, "namespace": namespace, "uid": uid}
    return {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": metadata, "status": dict(status)}


class Throttle:
    """Says when a status may be written: a change of state after a second, numbers alone after ten."""

    def __init__(self, urgent: Callable[[Mapping[str, Any]], object] = lambda _: None) -> None:
        """``urgent``: what of a status counts as a change of state besides the states themselves."""
        self._urgent = urgent
        self._written: Mapping[str, Any] | None = None
        self._at = float("-inf")

    def due(self, status: Mapping[str, Any]) -> float | None:
        """The earliest time for writing ``status``; None when nothing in it is worth a write."""
        if self._written is not None and _reasons(self._written) == _reasons(status):
            return None
        if self._written is not None and self._states(self._written) == self._states(status):
            return self._at + NUMBER_SECONDS
        return self._at + STATE_SECONDS

    def _states(self, status: Mapping[str, Any]) -> tuple[Any, ...]:
        activity = [
            {key: value for key, value in item.items() if key not in _NUMBERS} for item in status["activity"]
        ]
        told = status.get("result"), status.get("results"), status.get("artifacts")
        return activity, *told, self._urgent(status)

    def complete(self, status: Mapping[str, Any]) -> bool:
        """Whether all of ``status`` is written."""
        return self._written == status

    def written(self, status: Mapping[str, Any], now: float) -> None:
        """The server has taken ``status``."""
        self._written, self._at = status, now

    def tried(self, now: float) -> None:
        """An attempt has failed; the next one waits its turn."""
        self._at = now


def _reasons(status: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in status.items() if key != _NO_REASON}


def _activity(books: Books, name: str, simulated: bool) -> dict[str, Any] | None:
    """What one agent does; None before its first sign of life."""
    doing = books.board.doing(name)
    if doing is None:
        return None
    unread, oldest = books.ledger.count_unread(name), books.ledger.oldest_unread(name)
    sums = books.spending.of_agent(name)
    task = books.tasks.current(name)
    last = max(doing.heard, books.heard.get(name, 0.0))
    fields: dict[str, Any] = {
        "agent": name,
        "state": doing.state,
        "since": rfc3339(doing.since),
        "detail": doing.detail,
        "task": task,
        "heardAt": rfc3339(last - last % 60) if task is not None else None,
        "unread": unread,
        "oldestUnreadAt": None if oldest is None else rfc3339(oldest.first),
        "cost": None if sums is None else format_money(sums.micros),
        "simulated": simulated,
        "requests": _requests(books.asks, name) or None,
        "unreachableServers": books.unreachable.get(name) or None,
        "outsideScope": books.outside.get(name) or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _requests(asks: AskBoard, agent: str) -> list[dict[str, Any]]:
    return [
        {
            "id": each.ask.id,
            "kind": each.ask.kind,
            "tool": each.ask.tool,
            "summary": each.ask.summary,
            "since": each.since,
            "seq": each.seq,
        }
        for each in asks.open(agent)[:REQUESTS_SHOWN]
    ]
