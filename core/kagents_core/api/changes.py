"""What may change after creation: of a team limits, budgets, suspend and cancel; of a record nothing."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from kagents_core.api import teamrules
from kagents_core.api.fielderrors import FieldError
from kagents_core.api.team import AgentTeamSpec
from kagents_core.api.template import AgentTeamRunSpec
from kagents_core.api.usage import RECORD_IS_FINAL

_FROZEN: Final[Mapping[str, tuple[type[BaseModel], tuple[str, ...]]]] = {
    "AgentTeam": (AgentTeamSpec, teamrules.IMMUTABLE_TEAM_FIELDS),
    "AgentTeamRun": (AgentTeamRunSpec, teamrules.IMMUTABLE_RUN_FIELDS),
}


def immutable_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldError]:
    """Every change from one valid object to the next that is refused; for kinds that may change, none.

    Writing out a default, or leaving it out again, is no change.
    """
    kind = str(new.get("kind", ""))
    if kind == "AgentUsage" and old.get("spec") != new.get("spec"):
        return [FieldError("spec", None, RECORD_IS_FINAL)]
    if kind not in _FROZEN:
        return []
    model, fields = _FROZEN[kind]
    before, after = _plain(model, old.get("spec")), _plain(model, new.get("spec"))
    errors = [
        FieldError(f"spec.{field}", None, teamrules.IMMUTABLE)
        for field in fields
        if before.get(field) != after.get(field)
    ]
    errors += _agent_changes(before, after)
    if bool(before.get("lifecycle")) != bool(after.get("lifecycle")):
        errors.append(FieldError("spec.lifecycle", None, teamrules.IMMUTABLE))
    else:
        errors += _lifecycle_changes(_fields(before.get("lifecycle")), _fields(after.get("lifecycle")))
    if before.get("cancel") and not after.get("cancel"):
        errors.append(FieldError("spec.cancel", after.get("cancel"), teamrules.CANCEL_IS_FINAL))
    return errors


def _plain(model: type[BaseModel], spec: object) -> Mapping[str, Any]:
    """The spec with every default filled in; as it stands when an older release stored what does not fit."""
    try:
        return model.model_validate(spec or {}, by_alias=True, by_name=False).model_dump(by_alias=True)
    except ValidationError:
        return spec if isinstance(spec, Mapping) else {}


def _lifecycle_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldError]:
    errors = [
        FieldError(f"spec.lifecycle.{field}", None, teamrules.IMMUTABLE)
        for field in teamrules.IMMUTABLE_LIFECYCLE_FIELDS
        if before.get(field) != after.get(field)
    ]
    if _gates(before) != _gates(after):
        errors.append(FieldError("spec.lifecycle.approvalGates", None, teamrules.IMMUTABLE))
    return errors


def _agent_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldError]:
    """The lead and the teammates stay as they are, but for their budgets."""
    return [
        FieldError(f"spec.{field}", None, teamrules.IMMUTABLE)
        for field, plain in (("lead", _lasting), ("teammates", _lasting_list))
        if plain(before.get(field)) != plain(after.get(field))
    ]


def _lasting_list(agents: object) -> object:
    return [_lasting(agent) for agent in agents] if isinstance(agents, (list, tuple)) else agents


def _lasting(agent: object) -> object:
    """An agent without what may change in it."""
    if not isinstance(agent, Mapping):
        return agent
    return {key: value for key, value in agent.items() if key not in teamrules.CHANGEABLE_AGENT_FIELDS}


def _gates(lifecycle: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Event and channel of each gate; where its notification goes may change."""
    gates = lifecycle.get("approvalGates")
    plain = map(_fields, gates) if isinstance(gates, (list, tuple)) else ()
    return {(str(gate.get("event")), str(gate.get("channel"))) for gate in plain}


def _fields(value: object) -> Mapping[str, Any]:
    """An object's fields; none where an object that does not fit has something else."""
    return value if isinstance(value, Mapping) else {}
