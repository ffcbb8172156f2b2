"""The gates of one team as the API server holds it: waiting, decided, or not reached yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kagents_core.api.constants import APPROVAL_PREFIX

State = Literal["waiting", "approved", "denied", "ahead"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. ``ahead`` is a gate that nothing waits at yet; it can be decided all the same."""

    event: str
    state: State
    teammate: str
    """Who is held back; empty for ``finish``."""

    @property
    def decided(self) -> bool:
        """Whether a person has approved or denied it."""
        return self.state in ("approved", "denied")


def gates_of(team: Mapping[str, Any]) -> list[Gate]:
    """Every declared gate of the team, in the order of its spec."""
    annotations = _mapping(_mapping(team.get("metadata")).get("annotations"))
    declared = _sequence(_mapping(_mapping(team.get("spec")).get("lifecycle")).get("approvalGates"))
    waiting = _waiting(_mapping(team.get("status")))
    gates = []
    for event in (str(_mapping(gate).get("event", "")) for gate in declared):
        state: State = "waiting" if event in waiting else "ahead"
        value = annotations.get(APPROVAL_PREFIX + event)
        if value in ("true", "false"):
            state = "approved" if value == "true" else "denied"
        gates.append(Gate(event, state, event.removeprefix("spawn-") if event != "finish" else ""))
    return gates


def _waiting(status: Mapping[str, Any]) -> set[str]:
    """Events that the status says are waited at: by a teammate, or by the end of the team."""
    pending = [_mapping(each).get("pendingApproval") for each in _sequence(status.get("teammates"))]
    found = {event for event in pending if isinstance(event, str)}
    for condition in map(_mapping, _sequence(status.get("conditions"))):
        if condition.get("type") == "GatesPassed" and condition.get("reason") == "WaitingForApproval":
            _, _, events = str(condition.get("message", "")).partition(":")
            found |= {event.strip() for event in events.split(",")}
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
