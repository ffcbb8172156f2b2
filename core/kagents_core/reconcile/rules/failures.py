"""What ends a team from inside: an agent that has failed for good, or a volume that stays full."""

from collections.abc import Sequence

from kagents_core.api.constants import HUB
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.limits import Ending
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.views import VOLUME_FULL


def failure(snapshot: Snapshot, states: Sequence[AgentState]) -> Ending | None:
    """The end of a team that cannot go on, if it is one."""
    return _hub_without_room(snapshot) or _failed_agent(states)


def _hub_without_room(snapshot: Snapshot) -> Ending | None:
    """There was no room for ``prepare`` or for the journal, as often as an agent may be restarted."""
    for pod in snapshot.pods_of(HUB):
        problem, limit = pod.problem, snapshot.spec.lifecycle.max_restarts
        if problem and problem.reason == VOLUME_FULL and problem.restarts >= limit:
            message = f"hub failed after {problem.restarts} restarts: {problem.message}"
            return Ending("Failed", VOLUME_FULL, message)
    return None


def _failed_agent(states: Sequence[AgentState]) -> Ending | None:
    failed = next((state for state in states if state.phase == "Failed" and not state.skipped), None)
    if failed is None:
        return None
    reason = "LeadFailed" if failed.agent.role == "lead" else "AgentFailed"
    if failed.over:
        return Ending("BudgetExceeded", "AgentBudgetExceeded", failed.over.said)
    if failed.pod and failed.pod.volume_full:
        reason = VOLUME_FULL
    if failed.pod and failed.pod.work_failed:
        return Ending("Failed", "QualityGateFailed", failed.message or failed.agent.name)
    return Ending("Failed", reason, f"{failed.agent.name} {failed.message}")
