"""The recorder's part of the team's status, and when it may be written. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kagents_core.api.constants import API_VERSION
from kagents_core.api.quantities import format_money
from kagents_runner.record.activity import ActivityBoard
from kagents_runner.record.asks import AskBoard
from kagents_runner.record.clock import rfc3339
from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.reports import shown_results
from kagents_runner.record.spending import Spending, Sums
from kagents_runner.record.taskboard import TaskBoard

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


def build(
    agents: Sequence[tuple[str, bool]],
    board: ActivityBoard,
    ledger: MailLedger,
    tasks: TaskBoard,
    spending: Spending,
    result: str | None,
    results: Mapping[str, Mapping[str, str]],
    asks: AskBoard,
    heard: Mapping[str, float],
    messages: int,
    unreachable: Mapping[str, Sequence[Mapping[str, str]]],
    outside: Mapping[str, Sequence[str]],
    *,
    artifacts: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The fields this manager owns. ``agents``: name and whether simulated, in the declared order."""
    status: dict[str, Any] = {
        "tasks": tasks.counts(),
        "usage": _usage(spending.total),
        "messages": messages,
        "estimatedCost": format_money(spending.total.micros),
        "activity": [
            activity
            | ({"unreachableServers": unreachable[name]} if unreachable.get(name) else {})
            | ({"outsideScope": outside[name]} if outside.get(name) else {})
            for name, simulated in agents
            if (activity := _activity(name, simulated, board, ledger, tasks, spending, asks, heard))
            is not None
        ],
    }
    if reported := shown_results([name for name, _ in agents], results):
        status["results"] = reported
    if artifacts:
        status["artifacts"] = list(artifacts)
    return status if result is None else status | {"result": result[:RESULT_LIMIT]}


def manifest(name: str, namespace: str, uid: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the server-side apply; ``uid`` keeps it from a team of the same name that came later."""
    metadata = {"name": name, "namespace": namespace, "uid": uid}
    return {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": metadata, "status": dict(status)}


class Throttle:
    """Says when a status may be written: a change of state after a second, numbers alone after ten."""

    def __init__(self) -> None:
        self._written: Mapping[str, Any] | None = None
        self._at = float("-inf")

    def due(self, status: Mapping[str, Any]) -> float | None:
        """The earliest time for writing ``status``; None when nothing in it is worth a write."""
        if self._written is not None and _reasons(self._written) == _reasons(status):
            return None
        if self._written is not None and _states(self._written) == _states(status):
            return self._at + NUMBER_SECONDS
        return self._at + STATE_SECONDS

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


def _states(status: Mapping[str, Any]) -> tuple[Any, ...]:
    activity = [
        {key: value for key, value in item.items() if key not in _NUMBERS} for item in status["activity"]
    ]
    return activity, status.get("result"), status.get("results"), status.get("artifacts")


def _activity(
    name: str,
    simulated: bool,
    board: ActivityBoard,
    ledger: MailLedger,
    tasks: TaskBoard,
    spending: Spending,
    asks: AskBoard,
    heard: Mapping[str, float],
) -> dict[str, Any] | None:
    doing = board.doing(name)
    if doing is None:
        return None
    unread = ledger.unread(name)
    sums = spending.by_agent.get(name)
    task = tasks.current(name)
    last = max(doing.heard, heard.get(name, 0.0))
    fields: dict[str, Any] = {
        "agent": name,
        "state": doing.state,
        "since": rfc3339(doing.since),
        "detail": doing.detail,
        "task": task,
        "heardAt": rfc3339(last - last % 60) if task is not None else None,
        "unread": len(unread),
        "oldestUnreadAt": rfc3339(min(post.first for post in unread)) if unread else None,
        "cost": None if sums is None else format_money(sums.micros),
        "simulated": simulated,
        "requests": _requests(asks, name) or None,
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


def _usage(total: Sums) -> dict[str, Any]:
    return {
        "inputTokens": total.input,
        "outputTokens": total.output,
        "cacheReadTokens": total.cache_read,
        "cacheWriteTokens": total.cache_write,
        "requests": total.requests,
        "estimated": True,
    }
