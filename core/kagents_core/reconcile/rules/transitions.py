"""Events: what is worth telling about the step from the last status to the new one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kagents_core.api.constants import APPROVAL_PREFIX, FINISH
from kagents_core.reconcile.plan import Event
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.gates import decision
from kagents_core.reconcile.rules.money import warnings
from kagents_core.reconcile.snapshot import Snapshot

_TOLD = frozenset(
    {
        *("Prepared", "AgentsHealthy", "ArtifactsKept", "Delivered", "WithinBudgets"),
        *("McpServersReachable", "ScopesKept"),
    }
)
_BEGUN = frozenset({"Running", "Idle", "Completed"})
_WARNINGS = frozenset({"Failed", "TimedOut", "BudgetExceeded"})


def events(
    snapshot: Snapshot, status: Mapping[str, Any], states: Iterable[AgentState], reason: str
) -> Iterator[Event]:
    """Phase changes, gates, starts, restarts and ends of agents; nothing when nothing has moved."""
    phase, states = status["phase"], list(states)
    if phase != snapshot.status.phase:
        yield Event("Warning" if phase in _WARNINGS else "Normal", phase, reason)
    elif phase == "Running":  # otherwise the step into that phase tells of it
        yield from _started(snapshot, states)
    for state in states:
        yield from _of_agent(snapshot, state)
    yield from _of_completion(snapshot, status)
    yield from of_conditions(snapshot, status)
    yield from warnings(snapshot, status)


def _started(snapshot: Snapshot, states: Iterable[AgentState]) -> Iterator[Event]:
    """Those that have started in the middle of the team's life, as one event."""
    names = []
    for state in states:
        before = snapshot.previous(state.agent.name)
        if state.phase in ("Running", "Idle") and (before is None or before.phase not in _BEGUN):
            names.append(state.agent.name)
    if names:
        yield Event(
            "Normal", "AgentStarted", f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} started"
        )


def _of_completion(snapshot: Snapshot, status: Mapping[str, Any]) -> Iterator[Event]:
    """The gate of the completion action, which no agent waits for."""
    before = _finish_waits((entry.type, entry.reason, entry.message) for entry in snapshot.status.conditions)
    entries = status.get("conditions", ())
    now = _finish_waits((entry["type"], entry["reason"], entry["message"]) for entry in entries)
    if now and not before:
        annotation = f"{APPROVAL_PREFIX}{FINISH}=true"
        sentence = f"the completion action waits for approval: annotate this team with {annotation}"
        yield Event("Normal", "ApprovalNeeded", sentence)
    decided = decision(snapshot.annotations, FINISH)
    if before and not now and decided != "waiting":
        yield Event("Normal", decided.capitalize(), f"{FINISH} was {decided}")


def _finish_waits(conditions: Iterable[tuple[str, str, str]]) -> bool:
    return any(
        kind == "GatesPassed" and reason == "WaitingForApproval" and message.split()[-1] == FINISH
        for kind, reason, message in conditions
    )


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
    stopped = state.skipped or (state.message or "").startswith("stopped:")
    if state.phase == "Failed" and not stopped and (before is None or before.phase != "Failed"):
        yield Event("Warning", "AgentFailed", f"{name} {state.message or 'has failed'}")


def of_conditions(snapshot: Snapshot, status: Mapping[str, Any]) -> Iterator[Event]:
    """A warning for each condition that is false now, in these words for the first time; and its end."""
    before = {entry.type: entry for entry in snapshot.status.conditions if entry.type in _TOLD}
    for entry in status.get("conditions", ()):
        if entry["type"] not in _TOLD:
            continue
        old = before.get(entry["type"])
        if entry["status"] == "False" and entry["message"]:
            if old is None or (old.reason, old.message) != (entry["reason"], entry["message"]):
                yield Event("Warning", entry["reason"], entry["message"])
        elif entry["status"] == "True" and old is not None and old.status == "False" and old.message:
            words = f": {entry['message']}" if entry["message"] else ""
            yield Event("Normal", entry["reason"], f"{entry['type']} again{words}")
