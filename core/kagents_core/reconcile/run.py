"""``reconcile_run``: a run makes one team of its own name from a template, once, and mirrors its status."""

from typing import Any

from kagents_core.api.constants import API_VERSION, CONTROLLER_MANAGER
from kagents_core.api.status import TERMINAL_PHASES, Condition
from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate
from kagents_core.reconcile.plan import Event, ObservedRun, Plan
from kagents_core.reconcile.rules.conditions import condition, merged
from kagents_core.reconcile.times import to_text

_MIRRORED = {
    "phase",
    "ready",
    "started_at",
    "completed_at",
    "estimated_cost",
    "tasks",
    "result",
}
"""What a run shows of its team: enough for its columns and for whoever waits for it."""


def reconcile_run(observed: ObservedRun) -> Plan:
    """What should happen to this run now."""
    run = observed.run
    if run.metadata.get("deletionTimestamp"):
        return Plan()
    if observed.team is not None:
        return _mirror(observed, observed.team)
    if run.status.phase in TERMINAL_PHASES:
        return Plan()
    if run.status.team_name:
        return _team_gone(observed)
    if observed.template is None:
        return _waiting(observed)
    team = team_of_run(run, observed.template)
    said = condition("TeamCreated", True, "TeamCreated", f"made from template {run.spec.template_ref.name}")
    status = _status(observed, {"phase": "Pending", "teamName": team["metadata"]["name"]}, said)
    event = Event("Normal", "TeamCreated", f"made AgentTeam {team['metadata']['name']}")
    return Plan(apply=(team,), status=status, events=(event,))


def team_of_run(run: AgentTeamRun, template: AgentTeamTemplate) -> dict[str, Any]:
    """The team that this run stands for. The run's lifecycle replaces the template's as a whole."""
    pattern = template.spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
    own = run.spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
    spec = {key: value for key, value in pattern.items() if key != "description"}
    spec |= {key: value for key, value in own.items() if key != "templateRef" and value is not None}
    metadata = run.metadata
    owner = {
        "apiVersion": API_VERSION,
        "kind": "AgentTeamRun",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentTeam",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "labels": {"app.kubernetes.io/managed-by": CONTROLLER_MANAGER, **(metadata.get("labels") or {})},
            "ownerReferences": [owner],
        },
        "spec": spec,
    }


def _mirror(observed: ObservedRun, team: AgentTeam) -> Plan:
    run = observed.run
    owners = team.metadata.get("ownerReferences") or ()
    if not any(owner.get("uid") == run.metadata["uid"] for owner in owners):
        message = f"an AgentTeam named {team.metadata['name']} exists and belongs to somebody else"
        said = condition("TeamCreated", False, "NameTaken", message)
        return Plan(status=_status(observed, {"phase": "Failed", "completedAt": to_text(observed.now)}, said))
    seen = team.status.model_dump(by_alias=True, exclude_none=True, include=_MIRRORED, mode="json")
    said = condition("TeamCreated", True, "TeamCreated", f"made from template {run.spec.template_ref.name}")
    outcome = [entry for entry in team.status.conditions if entry.type == "Succeeded"]
    status = _status(
        observed, {"phase": "Pending", **seen, "teamName": team.metadata["name"]}, said, *outcome
    )
    asked = {
        name: getattr(run.spec, name) for name in ("suspend", "cancel") if name in run.spec.model_fields_set
    }
    if all(getattr(team.spec, name) == value for name, value in asked.items()) or observed.template is None:
        return Plan(status=status)
    return Plan(apply=(team_of_run(run, observed.template),), status=status)


def _team_gone(observed: ObservedRun) -> Plan:
    """A team that a person deleted is not made, and paid for, a second time."""
    message = f"AgentTeam {observed.run.status.team_name} was deleted; apply a new run to start again"
    said = condition("TeamCreated", False, "TeamDeleted", message)
    seen = {
        "phase": "Cancelled",
        "completedAt": to_text(observed.now),
        "teamName": observed.run.status.team_name,
    }
    return Plan(status=_status(observed, seen, said), events=(Event("Warning", "TeamDeleted", message),))


def _waiting(observed: ObservedRun) -> Plan:
    name = observed.run.spec.template_ref.name
    said = condition(
        "TeamCreated", False, "TemplateNotFound", f"there is no AgentTeamTemplate {name} in this namespace"
    )
    return Plan(status=_status(observed, {"phase": "Pending"}, said))


def _status(observed: ObservedRun, fields: dict[str, Any], *said: Condition) -> dict[str, Any]:
    generation = observed.run.metadata.get("generation", 0)
    entries = merged(observed.run.status.conditions, said, observed.now, generation)
    conditions = [entry.model_dump(by_alias=True, exclude_none=True) for entry in entries]
    return fields | {"observedGeneration": generation, "conditions": conditions}
