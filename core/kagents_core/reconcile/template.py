"""``reconcile_template``: a template runs nothing; its status says whether runs can use it."""

from typing import Any

from kagents_core.api.status import Condition
from kagents_core.reconcile.plan import ObservedTemplate, Plan
from kagents_core.reconcile.rules.conditions import condition, merged


def reconcile_template(observed: ObservedTemplate, reasons: tuple[str, ...] = ()) -> Plan:
    """Report the template as ready, or the reasons why it is not."""
    template = observed.template
    if template.metadata.get("deletionTimestamp"):
        return Plan()
    generation = template.metadata.get("generation", 0)
    ready: Condition = condition("Ready", True, "Valid")
    if reasons:
        ready = condition("Ready", False, "ValidationFailed", "; ".join(reasons))
    said = merged(template.status.conditions, [ready], observed.now, generation)
    status: dict[str, Any] = {
        "ready": not reasons,
        "teammates": len(template.spec.teammates),
        "observedGeneration": generation,
        "conditions": [entry.model_dump(by_alias=True, exclude_none=True) for entry in said],
    }
    return Plan(status=status)
