"""Events: what is worth telling about the step from the last status to the new one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.reconcile.plan import Event
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.money import warnings
from kagents_core.reconcile.snapshot import Snapshot

_TOLD = frozenset({"Prepared", "AgentsHealthy", "ArtifactsKept", "Delivered", "WithinBudgets"})
_WARNINGS = frozenset({"Failed", "TimedOut", "BudgetExceeded"})


def events(
    snapshot: Snapshot, status: Mapping[str, Any], states: Iterable[AgentState], reason: str
) -> Iterator[Event]:
    """Phase changes, gates, restarts and ends of agents; nothing when nothing has moved."""
    phase = status["phase"]
    if phase != snapshot.status.phase:
        yield Event("Warning" if phase in _WARNINGS else "Normal", phase, reason)
    for state in states:
        yield from _of_agent(snapshot, state)
    yield from of_conditions(snapshot, status)
    yield from warnings(snapshot, status)


def _of_agent(snapshot: Snapshot, state: AgentState) -> Iterator[Event]:
    name = state.agent.name
    before = snapshot.previous(name)
    waited = getattr(before, "pending_approval", None)
    if state.waiting_gate and waited != state.waiting_gate.event:
        annotation = f"{APPROVAL_PREFIX}{state.waiting_gate.event}=true"
        yield Event(
            "Normal", "ApprovalNeeded", f"{name} waits for approval: annotate this team with {annotation}"
        )
    if waited and not state.waiting_gate:
        word = "Denied" if state.skipped else "Approved"
        yield Event("Normal", word, f"{waited} was {word.lower()}")
    if state.create and state.create.restarts > (before.restart_count if before else 0):
        yield Event("Warning", "AgentRestarted", f"{name} {state.message} (restart {state.create.restarts})")
    if state.phase == "Completed" and (before is None or before.phase != "Completed"):
        yield Event("Normal", "AgentCompleted", f"{name} has ended as it should")


def of_conditions(snapshot: Snapshot, status: Mapping[str, Any]) -> Iterator[Event]:
    """A warning for each condition that is false now, in these words for the first time."""
    before = {entry.type: (entry.reason, entry.message) for entry in snapshot.status.conditions}
    for entry in status.get("conditions", ()):
        if entry["type"] not in _TOLD or entry["status"] != "False" or not entry["message"]:
            continue
        if before.get(entry["type"]) != (entry["reason"], entry["message"]):
            yield Event("Warning", entry["reason"], entry["message"])
