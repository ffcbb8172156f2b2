"""What a request's path means: which kind, which namespace, which object."""

import re
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
_SET = re.compile(r"^\s*([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Address:
    """``root`` is group and version, as in ``/apis/apps/v1``."""

    root: str
    plural: str
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None

    @property
    def kind(self) -> str:
        """What objects are kept under."""
        return f"{self.root}/{self.plural}"


def parse(path: str) -> Address:
    """Of ``/apis/<group>/<version>[/namespaces/<namespace>]/<plural>[/<name>[/<subresource>]]``."""
    parts = path.strip("/").split("/")
    size = 2 if parts[0] == "api" else 3
    root, rest = "/" + "/".join(parts[:size]), parts[size:]
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return Address(root, rest[0], namespace, *rest[1:3])


def matches(metadata: Object, selector: str | None) -> bool:
    """Whether labels satisfy a selector."""
    have = metadata.get("labels") or {}
    return all(_holds(have, part) for part in re.split(r",(?![^(]*\))", selector or "") if part)


def _holds(have: Object, part: str) -> bool:
    if found := _SET.match(part):
        key, verb, values = found.groups()
        return (have.get(key) in [each.strip() for each in values.split(",")]) == (verb == "in")
    if "!=" in part:
        key, _, value = part.partition("!=")
        return bool(have.get(key) != value)
    if "=" in part:
        key, _, value = part.partition("=")
        return bool(have.get(key) == value.lstrip("="))
    return part[1:] not in have if part.startswith("!") else part in have


def selects(body: Object, selector: str | None) -> bool:
    """Whether an object satisfies a field selector; KeyError for a field that cannot be asked for."""
    for pair in (selector or "").split(","):
        if pair:
            field, _, value = pair.partition("=")
            if field not in ("metadata.name", "metadata.namespace", "involvedObject.uid"):
                raise KeyError(field)
            part, _, key = field.partition(".")
            if (body.get(part) or {}).get(key) != value:
                return False
    return True
