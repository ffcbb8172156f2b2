"""When a status is written: at once, or together with what is likely to follow within a moment.

A team's pods start and end within a second of each other, and its agents take turns: each such step by itself
is no reason for a write. What a person has to know or to decide never waits, nor does what makes something
happen: a phase of the team, a gate, a message, a condition that has words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kagents_controller.expectations import Owner

STEP_SECONDS = 0.4
"""The longest that an agent's start or end waits."""

TURN_SECONDS = 5.0
"""The longest that a change between ``Running`` and ``Idle`` waits; ``activity`` tells it at once."""

BUDGET_SECONDS = 10.0
"""The longest that the numbers of a budget wait."""

_STEPS = frozenset({"Pending", "Running", "Idle", "Completed"})
_TURNS = frozenset({"Running", "Idle"})

Status = Mapping[str, Any]


class Pacing:
    """How long each object's new status may still wait. ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._noticed: dict[Owner, float] = {}

    def wait(self, owner: Owner, current: Status, wanted: Status | None) -> float:
        """Seconds that the change from ``current`` to ``wanted`` may still wait; 0: write it now.

        Counted from when a change of this object was first noticed that is not yet written.
        """
        patience = _budget_patience if owner[0] == "AgentBudget" else _patience
        limit = 0.0 if wanted is None else patience(current, wanted)
        if limit == 0.0:
            return 0.0
        noticed = self._noticed.setdefault(owner, self._clock())
        return max(0.0, noticed + limit - self._clock())

    def settled(self, owner: Owner) -> None:
        """Everything about this object is written, or it is gone."""
        self._noticed.pop(owner, None)


def _patience(current: Status, wanted: Status) -> float:
    """How long this change may wait, in seconds; 0 for one that a person must see, or for none."""
    if _lasting(current) != _lasting(wanted):
        return 0.0
    before, after = _phases(current), _phases(wanted)
    moved = {phase for pair in zip(before, after, strict=True) if pair[0] != pair[1] for phase in pair}
    if not moved and dict(current) == dict(wanted):
        return 0.0
    if not moved <= _STEPS:
        return 0.0
    return TURN_SECONDS if moved and moved <= _TURNS else STEP_SECONDS


def _budget_patience(current: Status, wanted: Status) -> float:
    numbers = ("spent", "costMicros", "tokens", "teams", "estimated")
    before, after = ({k: v for k, v in each.items() if k not in numbers} for each in (current, wanted))
    return BUDGET_SECONDS if before == after and dict(current) != dict(wanted) else 0.0


def _lasting(status: Status) -> dict[str, Any]:
    """The status without what changes from moment to moment."""
    kept = {key: value for key, value in status.items() if key not in ("ready", "lead", "conditions")}
    kept["lead"] = _without_phase(status.get("lead") or {})
    kept["teammates"] = [_without_phase(mate) for mate in status.get("teammates") or ()]
    kept["conditions"] = [
        (entry.get("type"), entry.get("status"), entry.get("reason"), entry.get("message"))
        for entry in status.get("conditions") or ()
        if entry.get("type") != "Prepared" or entry.get("message")
    ]
    return kept


def _without_phase(agent: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in agent.items() if key != "phase"}


def _phases(status: Status) -> list[str]:
    agents = [status.get("lead") or {}, *(status.get("teammates") or ())]
    return [str(agent.get("phase", "")) for agent in agents]
