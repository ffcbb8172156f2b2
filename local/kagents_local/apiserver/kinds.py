"""The table of kinds that the server serves: the built-in ones and those that CustomResourceDefinitions
add."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind's table, with the JSONPath of its cell (``.status.phase``)."""

    name: str
    type: str
    path: str
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One served kind in one version.

    ``schema`` is the structural OpenAPI v3 schema; a built-in kind's describes only what the server must
    know of it. ``storage`` names the table of objects: two kinds of one storage are two views of the same
    objects.
    """

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    custom: bool = False
    stored: bool = True
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def api_version(self) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage(self) -> str:
        """The name under which objects of this kind are stored: ``pods``,
        ``agentteams.claude.amcheste.io``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class KindTable:
    """Kinds by (group, version, plural), in the order in which they were added."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind, in place of one of the same name."""
        self._kinds[kind.group, kind.version, kind.plural] = kind

    def remove(self, group: str, plural: str) -> None:
        """Serve no version of a kind any more."""
        for key in [key for key in self._kinds if key[0] == group and key[2] == plural]:
            del self._kinds[key]

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served at this path, or None."""
        return self._kinds.get((group, version, plural))

    def all(self) -> tuple[Kind, ...]:
        """Every kind."""
        return tuple(self._kinds.values())

    def by_storage(self, storage: str) -> Kind | None:
        """The kind whose objects are stored under this name."""
        return next((kind for kind in self._kinds.values() if kind.storage == storage), None)

    def by_object(self, api_version: str, kind: str) -> Kind | None:
        """The kind of an object's ``apiVersion`` and ``kind``."""
        found = (k for k in self._kinds.values() if k.api_version == api_version and k.kind == kind)
        return next(found, None)

    def group_versions(self) -> dict[str, list[str]]:
        """Versions of each group that is served; the core group is the empty name."""
        groups: dict[str, list[str]] = {}
        for group, version, _ in self._kinds:
            versions = groups.setdefault(group, [])
            if version not in versions:
                versions.append(version)
        return groups


def kinds_of_definition(definition: Mapping[str, Any]) -> tuple[Kind, ...]:
    """The kinds that a CustomResourceDefinition (a dict as YAML holds it) adds: one a served version."""
    spec = definition["spec"]
    names = spec["names"]
    return tuple(
        Kind(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            singular=names.get("singular") or names["kind"].lower(),
            kind=names["kind"],
            namespaced=spec.get("scope", "Namespaced") == "Namespaced",
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            has_status="status" in (version.get("subresources") or {}),
            columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
            schema=(version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"},
            custom=True,
        )
        for version in spec["versions"]
        if version.get("served", True)
    )


def _column(column: Mapping[str, Any]) -> Column:
    return Column(
        name=column["name"],
        type=column["type"],
        path=column["jsonPath"],
        format=column.get("format", ""),
        description=column.get("description", ""),
        priority=column.get("priority", 0),
    )
