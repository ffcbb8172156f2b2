"""Validation of whole objects: every refusal as one plain sentence with field and value."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from kagents_core.api import fields
from kagents_core.api.branchrules import branch_problems
from kagents_core.api.budget import AgentBudget
from kagents_core.api.changes import immutable_changes
from kagents_core.api.constants import API_VERSION
from kagents_core.api.crosschecks import run_problems, team_problems, template_problems
from kagents_core.api.fielderrors import FieldError, plain_error, render_path, unknown_field_sentence
from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate
from kagents_core.api.usage import AgentUsage

__all__ = [
    "FieldError",
    "immutable_changes",
    "is_label",
    "validate",
    "validate_budget",
    "validate_run",
    "validate_team",
    "validate_template",
    "validate_usage",
]

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this object cannot be accepted; empty when it can. Judges kagents' own kinds only."""
    kind = obj.get("kind")
    validator = _VALIDATORS.get(kind) if isinstance(kind, str) else None
    if validator is None:
        known = ", ".join(_VALIDATORS)
        return [FieldError("kind", kind, f"kagents knows the kinds {known}")]
    return validator(obj)


def validate_team(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this ``AgentTeam`` cannot be accepted."""
    return _validate(obj, AgentTeam, _team_problems)


def _team_problems(team: AgentTeam) -> list[FieldError]:
    name, namespace = (str(team.metadata.get(part) or "") for part in ("name", "namespace"))
    return [*team_problems(team.spec), *branch_problems(team.spec, name, namespace)]


def validate_template(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this ``AgentTeamTemplate`` cannot be accepted."""
    return _validate(obj, AgentTeamTemplate, lambda parsed: template_problems(parsed.spec))


def validate_run(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this ``AgentTeamRun`` cannot be accepted. Its template is not looked at."""
    return _validate(obj, AgentTeamRun, lambda parsed: run_problems(parsed.spec))


def validate_budget(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this ``AgentBudget`` cannot be accepted."""
    return _validate(obj, AgentBudget, lambda parsed: [])


def validate_usage(obj: Mapping[str, Any]) -> list[FieldError]:
    """Every reason why this ``AgentUsage`` cannot be accepted."""
    return _validate(obj, AgentUsage, lambda parsed: [])


_VALIDATORS: Final[dict[str, Callable[[Mapping[str, Any]], list[FieldError]]]] = {
    "AgentTeam": validate_team,
    "AgentTeamTemplate": validate_template,
    "AgentTeamRun": validate_run,
    "AgentBudget": validate_budget,
    "AgentUsage": validate_usage,
}


def _validate(
    obj: Mapping[str, Any], model: type[ModelT], check: Callable[[ModelT], list[FieldError]]
) -> list[FieldError]:
    found = list(_header_errors(obj))
    # The API server ignores a status that a person sends.
    plain = without_nulls({key: value for key, value in obj.items() if key != "status"})
    plain.setdefault("apiVersion", API_VERSION)
    plain.setdefault("metadata", {})
    try:
        parsed = model.model_validate(plain, by_alias=True, by_name=False)
    except ValidationError as invalid:
        return found + [plain_error(each, model) for each in invalid.errors(include_url=False)]
    return found + check(parsed)


def without_nulls(value: Any) -> Any:
    """The value without fields that are null: the API server reads them as absent, and so does kagents."""
    if isinstance(value, dict):  # not Mapping: to ask that of every text is three times as dear
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [without_nulls(each) for each in value]
    return value


_METADATA_FIELDS: Final = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)


def _header_errors(obj: Mapping[str, Any]) -> Iterator[FieldError]:
    if obj.get("apiVersion") != API_VERSION:
        yield FieldError("apiVersion", obj.get("apiVersion"), f"this release speaks {API_VERSION}")
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping):
        yield FieldError("metadata", metadata, "an object needs metadata with a name")
        return
    for key in metadata:
        if key not in _METADATA_FIELDS:
            yield FieldError(
                render_path(("metadata", str(key))), None, unknown_field_sentence(str(key), _METADATA_FIELDS)
            )
    if metadata.get("name") is None and metadata.get("generateName") is None:
        yield FieldError("metadata.name", None, "a name is required")
    for key in ("name", "namespace"):
        name = metadata.get(key)
        if name is not None and not is_label(name):
            yield FieldError(f"metadata.{key}", name, fields.LABEL_SENTENCE)
    for key in ("labels", "annotations"):
        yield from _text_map_errors(f"metadata.{key}", metadata.get(key))


def _text_map_errors(where: str, entries: object) -> Iterator[FieldError]:
    if entries is None:
        return
    if not isinstance(entries, Mapping):
        yield FieldError(where, entries, "this is a mapping of texts")
        return
    for key, value in entries.items():
        if not isinstance(value, str):
            yield FieldError(
                f"{where}[{str(key)[:80]!a}]", value, 'this must be text; write it in quotes, as in "true"'
            )


_LABEL = re.compile(fields.LABEL_PATTERN.replace("$", r"\Z"))


def is_label(name: object) -> bool:
    """Whether this is a name that a team, run, template or namespace may have."""
    return isinstance(name, str) and len(name) <= 63 and _LABEL.match(name) is not None
