"""What a team's status says when the API server refused some of its children: by a quota, by a policy."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from kagents_core.api.status import Condition
from kagents_core.reconcile.rules.conditions import condition, merged

REASON = "CreationRefused"


def held_up(
    planned: Mapping[str, Any],
    previous: Mapping[str, Any],
    unmade: Collection[str],
    messages: Sequence[str],
    now: datetime,
) -> dict[str, Any]:
    """The planned status without what did not happen.

    ``planned`` and ``previous`` are the controller's fields as JSON; ``unmade`` names the agents whose pod
    was not made: for them stands what was true before, so that no attempt is counted that never existed.
    """
    said = condition("AgentsHealthy", False, REASON, "; ".join(messages))
    before = [Condition.model_validate(entry) for entry in previous.get("conditions") or ()]
    generation = int(planned.get("observedGeneration") or 0)
    others = [Condition.model_validate(entry) for entry in planned.get("conditions") or ()]
    wanted = [*(entry for entry in others if entry.type != said.type), said]
    status = dict(planned)
    status["conditions"] = [
        entry.model_dump(by_alias=True, exclude_none=True, mode="json")
        for entry in merged(before, wanted, now, generation)
    ]
    if "lead" in unmade and "lead" in planned:
        status["lead"] = _instead(previous.get("lead"), {})
    known = {mate["name"]: mate for mate in previous.get("teammates") or ()}
    if planned.get("teammates"):
        status["teammates"] = [
            _instead(known.get(mate["name"]), {"name": mate["name"]}) if mate["name"] in unmade else mate
            for mate in planned["teammates"]
        ]
    return status


def _instead(before: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of an agent whose pod was refused: the last true one, or one that never had a pod."""
    if before is not None and "attempt" in before:
        return dict(before)
    return {**identity, "phase": "Pending", "message": "its pod was refused", "restartCount": 0}
