"""A team that the schema let through and the rules do not: it ends at once, saying why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kagents_core.reconcile.plan import Event, Plan
from kagents_core.reconcile.rules.conditions import condition, merged
from kagents_core.reconcile.times import to_text

PHASE = "Failed"


def refuse_team(team: Mapping[str, Any], reasons: Sequence[str], now: datetime) -> Plan:
    """End a team whose spec is invalid, before anything of it was made.

    A team that has a phase was accepted once, by an older release with laxer rules. Where it can be read it
    goes on; one that cannot is left as it is rather than stopped in the middle of its work.
    """
    if (team.get("status") or {}).get("phase"):
        return Plan()
    generation = team["metadata"].get("generation", 0)
    message = "; ".join(reasons)
    said = [
        condition("InvalidSpec", True, "InvalidSpec", message),
        condition("Succeeded", False, "InvalidSpec", message),
    ]
    status = {
        "phase": PHASE,
        "completedAt": to_text(now),
        "observedGeneration": generation,
        "conditions": [
            entry.model_dump(by_alias=True, exclude_none=True) for entry in merged((), said, now, generation)
        ],
    }
    return Plan(status=status, events=(Event("Warning", "InvalidSpec", message[:1000]),))
