"""The record of what a team has cost: when it is due, and what it says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kagents_core.api.constants import API_VERSION, CONTROLLER_MANAGER
from kagents_core.api.quantities import format_money
from kagents_core.api.status import TERMINAL_PHASES
from kagents_core.reconcile.names import record_name
from kagents_core.reconcile.plan import Manifest
from kagents_core.reconcile.spending import cost_of, tokens_of
from kagents_core.reconcile.times import to_text

_COUNTS = ("requests", "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")


def usage_record(team: Mapping[str, Any], now: datetime) -> Manifest | None:
    """The record of this AgentTeam object; None for one that has cost nothing.

    A team that has not ended was deleted: what is recorded of it ends now.
    """
    metadata, status = team["metadata"], team.get("status") or {}
    usage, phase = status.get("usage") or {}, status.get("phase") or "Pending"
    cost = cost_of(status)
    if not cost and not tokens_of(usage):
        return None
    ended = status.get("completedAt") if phase in TERMINAL_PHASES else None
    spec = {
        "team": metadata["name"],
        "uid": metadata["uid"],
        "labels": metadata.get("labels") or None,
        "phase": phase,
        "startedAt": status.get("startedAt"),
        "endedAt": ended or to_text(now),
        "cost": format_money(cost),
        "costMicros": cost,
        "estimated": usage.get("estimated", True),
        "prices": usage.get("prices"),
        **{name: usage.get(name) for name in _COUNTS},
        "byModel": usage.get("byModel") or None,
        "hours": usage.get("hours") or None,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentUsage",
        "metadata": {
            "name": record_name(metadata["name"], metadata["uid"]),
            "namespace": metadata.get("namespace", ""),
            "labels": {"app.kubernetes.io/managed-by": CONTROLLER_MANAGER},
        },
        "spec": {key: value for key, value in spec.items() if value is not None},
    }
