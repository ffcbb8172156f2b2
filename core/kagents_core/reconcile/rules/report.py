"""The controller's part of a team's status, always written as a whole."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from kagents_core.api.status import Condition, LeadStatus, Notification, Phase, TeammateStatus, TeamStatus
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.conditions import in_order, merged
from kagents_core.reconcile.rules.outcome import Delivered
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.times import to_text

_UP = frozenset({"Running", "Idle", "Completed"})


def ready(states: Sequence[AgentState]) -> str:
    """Running and completed teammates of all teammates; a lead alone counts itself."""
    mates = [state for state in states if state.agent.role == "teammate"] or list(states)
    return f"{sum(state.phase in _UP for state in mates)}/{len(mates)}"


def _lead(state: AgentState) -> LeadStatus:
    return LeadStatus(
        pod_name=state.pod.name if state.pod else None,
        phase=state.phase,
        waiting_for=state.waiting_for,
        message=state.message,
        attempt=state.attempt,
        restart_count=state.restarts,
    )


def _teammate(state: AgentState) -> TeammateStatus:
    return TeammateStatus(
        name=state.agent.name,
        pod_name=state.pod.name if state.pod else None,
        phase=state.phase,
        pending_approval=state.waiting_gate.event if state.waiting_gate else None,
        waiting_for=state.waiting_for,
        message=state.message,
        attempt=state.attempt,
        restart_count=state.restarts,
    )


def status(
    snapshot: Snapshot,
    phase: Phase,
    states: Sequence[AgentState],
    conditions: Iterable[Condition],
    notifications: Iterable[Notification],
    *,
    started: datetime | None,
    completed: datetime | None = None,
    suspended_since: datetime | None = None,
    suspended: timedelta = timedelta(),
    delivered: Delivered | None = None,
) -> dict[str, Any]:
    """Everything the controller says of the team; absent values are left out."""
    lead = next((state for state in states if state.agent.role == "lead"), None)
    report = TeamStatus(
        phase=phase,
        ready=ready(states),
        started_at=to_text(started) if started else None,
        completed_at=to_text(completed) if completed else None,
        suspended_at=to_text(suspended_since) if suspended_since else None,
        suspended_seconds=int(suspended.total_seconds()),
        observed_generation=snapshot.identity.generation,
        lead=_lead(lead) if lead else None,
        teammates=tuple(_teammate(state) for state in states if state.agent.role == "teammate"),
        conditions=tuple(
            merged(snapshot.status.conditions, conditions, snapshot.now, snapshot.identity.generation)
        ),
        notifications=tuple(notifications),
        # What was pushed once stays pushed, whatever happens to the team.
        branch=delivered.branch if delivered else snapshot.status.branch,
        commit=delivered.commit if delivered else snapshot.status.commit,
        pull_request=delivered.pull_request if delivered else snapshot.status.pull_request,
    )
    return _as_json(report)


def carried(
    snapshot: Snapshot,
    notifications: Iterable[Notification],
    *,
    without: str,
    said: Iterable[Condition] = (),
) -> dict[str, Any]:
    """What the controller has said of the team already, with these records of webhooks.

    ``without`` is the reason of conditions that are no longer said, ``said`` conditions that have changed.
    """
    anew = merged(snapshot.status.conditions, said, snapshot.now, snapshot.identity.generation)
    types = {entry.type for entry in anew}
    old = [each for each in snapshot.status.conditions if each.reason != without and each.type not in types]
    update = {"notifications": tuple(notifications), "conditions": in_order([*old, *anew])}
    return _as_json(snapshot.status.model_copy(update=update))


def _as_json(report: TeamStatus) -> dict[str, Any]:
    result: dict[str, Any] = report.model_dump(
        by_alias=True, exclude_none=True, include=set(CONTROLLER_FIELDS), mode="json"
    )
    return {key: value for key, value in result.items() if value not in ([], 0)}


CONTROLLER_FIELDS = (
    "phase",
    "ready",
    "started_at",
    "completed_at",
    "suspended_at",
    "suspended_seconds",
    "observed_generation",
    "lead",
    "teammates",
    "conditions",
    "notifications",
    "branch",
    "commit",
    "pull_request",
)
"""The fields of ``TeamStatus`` whose writer is the controller."""
