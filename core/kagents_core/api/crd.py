"""The CustomResourceDefinitions, generated from the models: ``python -m kagents_core.api.crd DIRECTORY``.

The rewriting makes a structural schema of what pydantic writes: no references, no nulls, no keyword that the
API server refuses.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from kagents_core.api.budget import AgentBudget
from kagents_core.api.constants import GROUP, VERSION
from kagents_core.api.fields import LABEL_PATTERN, LABEL_SENTENCE
from kagents_core.api.resources import (
    AGENT_BUDGETS,
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    AGENT_USAGES,
    Resource,
)
from kagents_core.api.rulecost import spared
from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate
from kagents_core.api.usage import AgentUsage

Schema = dict[str, Any]

_DROPPED: Final = frozenset({"title", "$defs", "discriminator", "examples", "const", "additionalProperties"})
_RULES: Final = "x-kubernetes-validations"
_SPARED: Final = frozenset({AGENT_TEAMS.kind, AGENT_TEAM_RUNS.kind})
"""Kinds that are written often, and whose ``spec`` hardly changes."""
_AGE: Final = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}

FIX: Final = "run `make generate` and commit charts/kagents/files/crds"
"""What to do when the committed files are not what the models say."""


def crds() -> list[dict[str, Any]]:
    """Every definition, as objects to apply."""
    found = plain_crds()
    for definition in found:
        if definition["spec"]["names"]["kind"] in _SPARED:
            properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
            properties["spec"] = spared(properties["spec"])
    return found


def plain_crds() -> list[dict[str, Any]]:
    """Every definition, with the rules as the models have them."""
    return [
        _definition(AGENT_TEAMS, AgentTeam, "at", _team_columns()),
        _definition(AGENT_TEAM_TEMPLATES, AgentTeamTemplate, "att", _template_columns()),
        _definition(AGENT_TEAM_RUNS, AgentTeamRun, "atr", _run_columns()),
        _definition(AGENT_BUDGETS, AgentBudget, "ab", _budget_columns()),
        _definition(AGENT_USAGES, AgentUsage, "au", _usage_columns()),
    ]


def crd_files() -> dict[str, str]:
    """File name → YAML text of each definition."""
    return {f"{each['spec']['names']['plural']}.yaml": _text(each) for each in crds()}


class _Dumper(yaml.CSafeDumper):
    """Writes shared parts out in full: an alias in a CRD is hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(definition: Mapping[str, Any]) -> str:
    body = yaml.dump(definition, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return f"# Generated from core/kagents_core/api by `make generate`; do not edit.\n{body}"


def _column(name: str, kind: str, path: str, *, wide: bool = False) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return column | {"priority": 1} if wide else column


def _team_columns() -> list[dict[str, Any]]:
    return [
        _column("Phase", "string", ".status.phase"),
        _column("Ready", "string", ".status.ready"),
        _column("Tasks Done", "integer", ".status.tasks.completed"),
        _column("Cost", "string", ".status.estimatedCost"),
        _column("Estimated", "boolean", ".status.usage.estimated", wide=True),
        _column("Harness", "string", ".spec.harness", wide=True),
        _column("Budget", "string", ".spec.lifecycle.budgetLimit", wide=True),
        _column("Timeout", "string", ".spec.lifecycle.timeout", wide=True),
        _column("Request", "string", ".status.pullRequest.state", wide=True),
        _column("Checks", "string", ".status.pullRequest.checks.state", wide=True),
        _AGE,
    ]


def _template_columns() -> list[dict[str, Any]]:
    return [
        _column("Description", "string", ".spec.description"),
        _column("Teammates", "integer", ".status.teammates"),
        _column("Ready", "boolean", ".status.ready"),
        _AGE,
    ]


def _run_columns() -> list[dict[str, Any]]:
    return [
        _column("Template", "string", ".spec.templateRef.name"),
        _column("Phase", "string", ".status.phase"),
        _column("Ready", "string", ".status.ready"),
        _column("Cost", "string", ".status.estimatedCost", wide=True),
        _AGE,
    ]


def _budget_columns() -> list[dict[str, Any]]:
    return [
        _column("Period", "string", ".spec.period"),
        _column("Spent", "string", ".status.spent"),
        _column("Limit", "string", ".spec.limit"),
        _column("Exceeded", "string", '.status.conditions[?(@.type=="Exceeded")].status'),
        _column("Then", "string", ".spec.onExceeded"),
        _column("Estimated", "boolean", ".status.estimated", wide=True),
        _column("Tokens", "integer", ".status.tokens", wide=True),
        _column("Token Limit", "integer", ".spec.tokens", wide=True),
        _column("Ends", "string", ".status.periodEnd", wide=True),
        _AGE,
    ]


def _usage_columns() -> list[dict[str, Any]]:
    return [
        _column("Team", "string", ".spec.team"),
        _column("Phase", "string", ".spec.phase"),
        _column("Cost", "string", ".spec.cost"),
        _column("Estimated", "boolean", ".spec.estimated"),
        _column("Ended", "date", ".spec.endedAt"),
        _column("Requests", "integer", ".spec.requests", wide=True),
        _column("Prices", "string", ".spec.prices", wide=True),
        _AGE,
    ]


def _definition(
    resource: Resource, model: type[BaseModel], short: str, columns: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    names = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.singular,
        "shortNames": [short],
        "categories": ["kagents"],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": structural_schema(model)},
        "subresources": {"status": {}} if "status" in model.model_fields else {},
        "additionalPrinterColumns": [dict(column) for column in columns],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def structural_schema(model: type[BaseModel]) -> Schema:
    """The schema of a whole object, as an API server accepts it."""
    raw = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    root = _structural(raw, raw.get("$defs", {}))
    properties = root["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    # The API server checks metadata itself; a schema may only say something of the name.
    properties["metadata"] = {"type": "object"}
    if "status" in properties:
        properties["status"] = _without_defaults(properties["status"])
    root["required"] = ["spec"]
    root[_RULES] = [
        {
            "rule": f"self.metadata.name.size() <= 63 && self.metadata.name.matches(r'{LABEL_PATTERN}')",
            "message": f"metadata.name: {LABEL_SENTENCE}",
        },
        *root.get(_RULES, ()),
    ]
    return root


class _Generator(GenerateJsonSchema):
    """Writes optional fields as their inner type: in Kubernetes a field is absent, never null."""

    def nullable_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        own, further = target.get(_RULES, ()), siblings.get(_RULES, ())
        both = {_RULES: [*own, *further]} if own and further else {}
        return _structural({**target, **siblings, **both}, definitions)
    found: Schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in node:
        found["enum"] = [node["const"]]
    if found.get("type") == "integer":
        found["format"] = "int64"
    if "description" in found:
        found["description"] = " ".join(found["description"].replace("``", "").split())
    if "properties" in node:
        found["properties"] = {
            name: _structural(value, definitions) for name, value in node["properties"].items()
        }
    if "items" in node:
        found["items"] = _structural(node["items"], definitions)
    extra = node.get("additionalProperties")
    if isinstance(extra, Mapping):
        found["additionalProperties"] = _structural(extra, definitions)
    elif extra is True:
        found["x-kubernetes-preserve-unknown-fields"] = True
    return _with_plain_default(found)


def _with_plain_default(node: Schema) -> Schema:
    """Drops defaults that say nothing; the default of an object is ``{}``, which its own fields fill in."""
    if "default" in node:
        default = node.pop("default")
        if isinstance(default, dict):
            if "properties" in node:
                node["default"] = {}
        elif default is not None and default != []:
            node["default"] = default
    return node


def _without_defaults(node: Schema) -> Schema:
    """The schema without defaults: two writers share a status, and neither may own what it did not write."""
    plain = {key: value for key, value in node.items() if key != "default"}
    if "properties" in plain:
        plain["properties"] = {name: _without_defaults(each) for name, each in plain["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(plain.get(key), dict):
            plain[key] = _without_defaults(plain[key])
    return plain


def main(arguments: Sequence[str]) -> int:
    """Write the files into the given directory."""
    if len(arguments) != 1:
        print("usage: python -m kagents_core.api.crd DIRECTORY", file=sys.stderr)  # noqa: T201
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in crd_files().items():
        (directory / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
