"""The reference page of the custom resources: ``python -m kagents_core.api.reference FILE``.

Fields, types, defaults and meanings come from the same schema as the CustomResourceDefinitions.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kagents_core.api import teamrules
from kagents_core.api.constants import API_VERSION, APPROVAL_PREFIX
from kagents_core.api.crd import plain_crds

FIX: Final = "run `make generate` and commit docs/reference.md"

Schema = Mapping[str, Any]


def reference_page() -> str:
    """The page as Markdown."""
    parts = [_INTRODUCTION]
    for definition in plain_crds():
        parts += _kind(definition)
    return "\n".join(parts)


_INTRODUCTION: Final = f"""# Reference of the custom resources

Generated from the models by `make generate`; do not edit.

All kinds belong to `{API_VERSION}` and live in a namespace. Names of teams, templates and runs have
1 to 63 lower case letters, digits and dashes. An unknown field is refused, and so is every value that breaks
a rule below: by the `kagents` command, by the embedded engine, and by the API server of a cluster.

- Durations are whole hours, minutes and seconds: `2h`, `90s`, `1h30m`.
- Amounts are US dollars as text: `"30.00"`.
- Sizes are Kubernetes quantities: `5Gi`.
- A gate is decided by the annotation `{APPROVAL_PREFIX}<event>`: `"true"` approves, `"false"` denies.

After creation of a team or run only `suspend`, `cancel` (one way) and, in `lifecycle`, `timeout`,
`budgetLimit`, `onBudget`, `ttlSecondsAfterFinished`, `maxRestarts`, `idleTimeout` and a gate's `webhookUrl`
can change, and an agent's `budget`.
A template can change; teams that runs made from it before stay as they are.
"""


def _kind(definition: Schema) -> Iterator[str]:
    names = definition["spec"]["names"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    yield f"## {names['kind']}\n"
    yield f"{schema['description']} Short name `{names['shortNames'][0]}`.\n"
    for part in [name for name in ("spec", "status") if name in schema["properties"]]:
        yield f"### {names['kind']}.{part}\n"
        yield "| field | type | default | meaning |\n|---|---|---|---|"
        yield from _rows(schema["properties"][part], "")
        yield ""
    rules = _rules(schema["properties"]["spec"])
    if rules:
        yield "Rules:\n"
        yield from (f"- {rule}" for rule in rules)
        yield ""


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, node in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = "required" if name in required else _default(node)
        meaning = str(node.get("description", "")).replace("|", "\\|")
        yield f"| `{path}` | {_type(node)} | {default} | {meaning} |"
        if node.get("type") == "array":
            yield from _rows(node["items"], f"{path}[].")
        else:
            yield from _rows(node, f"{path}.")


def _default(node: Schema) -> str:
    default = node.get("default")
    if default is None or default == {}:
        return ""
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _type(node: Schema) -> str:
    if "enum" in node:
        return " \\| ".join(f"`{each}`" for each in node["enum"])
    if node.get("type") == "array":
        most = f", at most {node['maxItems']}" if "maxItems" in node else ""
        return f"list of {_type(node['items'])}{most}"
    if "additionalProperties" in node:
        amounts = node["additionalProperties"].get("x-kubernetes-int-or-string")
        return f"map of text to {'quantity' if amounts else 'text'}"
    names = {"string": "text", "integer": "integer", "boolean": "boolean", "object": "object"}
    return names.get(str(node.get("type")), "quantity")


def _rules(schema: Schema) -> list[str]:
    """Every sentence that a rule of the schema may answer, once, apart from those about changes."""
    found: list[str] = []
    nodes = [schema]
    while nodes:
        node = nodes.pop(0)
        for rule in node.get("x-kubernetes-validations", ()):
            if rule["message"] not in found and teamrules.IMMUTABLE not in rule["message"]:
                found.append(rule["message"])
        nodes += node.get("properties", {}).values()
        nodes += [node["items"]] if "items" in node else []
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the page to the given file."""
    if len(arguments) != 1:
        print("usage: python -m kagents_core.api.reference FILE", file=sys.stderr)  # noqa: T201
        return 2
    Path(arguments[0]).write_text(reference_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
