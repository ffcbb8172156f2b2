"""What the recorder learns from its own team object: phase, gates, and who will never come. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from kagents_core.api.constants import APPROVAL_PREFIX

TERMINAL: Final = frozenset({"Completed", "Failed", "TimedOut", "BudgetExceeded", "Cancelled"})

Entries = list[Mapping[str, Any]]


class TeamState:
    """Phase and gates as they were last journalled."""

    def __init__(self, gates: Mapping[str, str | None]) -> None:
        """``gates``: the declared events, each with the teammate it holds back (None for ``finish``)."""
        self._gates = dict(gates)
        self._phase: str | None = None
        self._decided: dict[str, str] = {}
        self.never: frozenset[str] = frozenset()
        """Teammates that were denied or have failed for good, or whose last pod has succeeded."""
        self.suspended = False
        self.teammates: dict[str, dict[str, Any]] = {}
        """Phase of each teammate and what it waits for, as the team's status shows them."""

    @property
    def over(self) -> bool:
        """Whether the team is in a terminal phase."""
        return self._phase in TERMINAL

    def observed(self, team: Mapping[str, Any]) -> Entries:
        """The team's object has changed."""
        status = _object(team.get("status"))
        entries: Entries = []
        phase = status.get("phase")
        if isinstance(phase, str) and phase != self._phase:
            entries.append({"kind": "phase", "phase": phase, "message": _why(status, phase)})
        annotations = _object(_object(team.get("metadata")).get("annotations"))
        teammates = [_object(item) for item in _list(status.get("teammates"))]
        waiting = {
            item.get("pendingApproval"): item.get("name") for item in teammates if item.get("pendingApproval")
        }
        for event, teammate in self._gates.items():
            state = {"true": "approved", "false": "denied"}.get(str(annotations.get(APPROVAL_PREFIX + event)))
            if state is None and event in waiting:
                state = "waiting"
            if state is not None and state != self._decided.get(event):
                entries.append({"kind": "gate", "event": event, "state": state, "teammate": teammate})
        self.never = frozenset(
            str(item.get("name")) for item in teammates if item.get("phase") in ("Completed", "Failed")
        )
        self.suspended = phase == "Suspended"
        self.teammates = {
            str(item.get("name")): {"phase": item.get("phase"), "waitingFor": _waits(item)}
            for item in teammates
        }
        return entries

    def learn(self, entry: Mapping[str, Any]) -> None:
        """Takes over a ``phase`` or ``gate`` entry that is being journalled or read again."""
        if entry["kind"] == "phase":
            self._phase = entry["phase"]
        elif entry["kind"] == "gate":
            self._decided[entry["event"]] = entry["state"]


def _waits(teammate: Mapping[str, Any]) -> object:
    """What a teammate waits for; ``denied`` for one that was failed before it ever started."""
    never_started = teammate.get("phase") == "Failed" and not teammate.get("podName")
    return "denied" if never_started else teammate.get("waitingFor")


def _why(status: Mapping[str, Any], phase: str) -> str:
    """The message of the condition that explains a phase: the one that changed last."""
    conditions = [_object(item) for item in _list(status.get("conditions"))]
    named = [
        item for item in conditions if item.get("message") and phase in (item.get("type"), item.get("reason"))
    ]
    changed = named or [item for item in conditions if item.get("message")]
    last = max(changed, key=lambda item: str(item.get("lastTransitionTime", "")), default={})
    return str(last.get("message", ""))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
