"""A stored object: its bytes as they go over the wire, and the few parts that selection and collection
need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner reference, cut to what garbage collection needs."""

    uid: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object."""

    storage: str
    namespace: str
    name: str
    uid: str
    version: int
    data: bytes
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[Owner, ...]

    def object(self) -> Object:
        """A fresh, independent copy of the object."""
        loaded: Object = orjson.loads(self.data)
        return loaded


EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)


def _path(obj: Mapping[str, Any], path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None or isinstance(value, Mapping) else str(value)


def _event_fields(obj: Object) -> dict[str, str]:
    fields = {path: _path(obj, path) for path in EVENT_FIELDS}
    fields["source"] = _path(obj, "source.component") or _path(obj, "reportingComponent")
    return fields


SELECTABLE: Mapping[str, Callable[[Object], dict[str, str]]] = {
    "pods": lambda obj: {path: _path(obj, path) for path in POD_FIELDS},
    "events": _event_fields,
    "secrets": lambda obj: {"type": _path(obj, "type")},
    "namespaces": lambda obj: {"status.phase": _path(obj, "status.phase")},
}
"""Fields that a selector may name besides the metadata, by storage (as Kubernetes has them)."""

_NONE: Mapping[str, str] = {}


def selectable_names(storage: str) -> frozenset[str]:
    """The fields that a selector may name for a kind."""
    select = SELECTABLE.get(storage)
    return frozenset({"metadata.name", "metadata.namespace", *(select({}) if select else ())})


def entry_of(storage: str, obj: Object, version: int, data: bytes) -> Entry:
    """Index an object that is about to be stored under a version."""
    metadata = obj["metadata"]
    select = SELECTABLE.get(storage)
    return Entry(
        storage=storage,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata["uid"],
        version=version,
        data=data,
        labels=metadata.get("labels") or _NONE,
        fields=select(obj) if select else _NONE,
        owners=tuple(
            Owner(reference["uid"], bool(reference.get("blockOwnerDeletion")))
            for reference in metadata.get("ownerReferences") or ()
        ),
    )
