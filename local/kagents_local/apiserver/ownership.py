"""``metadata.managedFields``: who set which field, and what server-side apply does with that.

Source of the rules: kubernetes.io/docs/reference/using-api/server-side-apply.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import RefusalError
from kagents_local.apiserver.fieldsets import (
    Paths,
    Schema,
    changes,
    decode,
    encode,
    merged,
    paths_of,
    without,
)

_METADATA = (
    "name generateName namespace uid resourceVersion creationTimestamp generation managedFields selfLink "
    "deletionTimestamp deletionGracePeriodSeconds"
)
UNOWNED = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", "f:" + n) for n in _METADATA.split())}
)
"""Fields that nobody owns."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes: a name, through ``Apply`` or ``Update``, to a subresource or (empty) the object."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """The fields of one manager, and when it last gained or lost one."""

    manager: Manager
    paths: Paths
    time: str


def read_ownerships(obj: Mapping[str, Any]) -> list[Ownership]:
    """The object's ``managedFields``."""
    return [
        Ownership(
            manager=Manager(
                entry.get("manager", ""),
                entry.get("operation", "Update"),
                entry.get("apiVersion", ""),
                entry.get("subresource", ""),
            ),
            paths=decode(entry.get("fieldsV1") or {}),
            time=entry.get("time", ""),
        )
        for entry in obj.get("metadata", {}).get("managedFields") or ()
    ]


def _write(obj: Object, ownerships: Iterable[Ownership]) -> None:
    entries = []
    for owned in sorted(ownerships, key=lambda o: (o.manager.operation != "Apply", o.time, o.manager.name)):
        if not owned.paths:
            continue
        entry: dict[str, Any] = {
            "manager": owned.manager.name,
            "operation": owned.manager.operation,
            "apiVersion": owned.manager.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": encode(owned.paths),
        }
        if owned.manager.subresource:
            entry["subresource"] = owned.manager.subresource
        entries.append(entry)
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = entries


def _relevant(paths: Paths, subresource: str, has_status: bool) -> Paths:
    """Paths that a write to this subresource can own."""
    kept = paths - UNOWNED
    if subresource == "status":
        return frozenset(path for path in kept if path[0] == "f:status")
    if has_status:
        return frozenset(path for path in kept if path[0] != "f:status")
    return kept


def record_update(
    old: Object | None, new: Object, schema: Schema, manager: Manager, now: str, *, has_status: bool
) -> None:
    """Note in ``new`` who owns what after a create, update or patch that turned ``old`` into ``new``."""
    before = dict(old) if old is not None else {}
    changed, removed = changes(before, new, schema)
    changed, removed = changed - UNOWNED, removed - UNOWNED
    result, own = [], None
    for owned in read_ownerships(old or {}):
        if owned.manager == manager:
            own = owned
            continue
        result.append(_lessened(owned, changed | removed, now))
    gained = _relevant(changed, manager.subresource, has_status)
    if own is None:
        result.append(Ownership(manager, gained, now))
    else:
        paths = (own.paths | gained) - removed
        result.append(own if paths == own.paths else Ownership(manager, paths, now))
    _write(new, result)


def _lessened(owned: Ownership, lost: Paths, now: str) -> Ownership:
    if lost.isdisjoint(owned.paths):
        return owned
    return replace(owned, paths=owned.paths - lost, time=now)


def apply(
    live: Object | None,
    applied: Object,
    schema: Schema,
    manager: Manager,
    now: str,
    *,
    force: bool,
    has_status: bool,
) -> Object:
    """Server-side apply: the live object with ``applied`` laid over it, and its new ``managedFields``.

    Fields that this manager applied before and not now are removed unless another manager has them too.
    Raises a 409 refusal that names other managers of fields which would change, unless ``force``.
    """
    base = live if live is not None else {}
    ownerships = read_ownerships(base)
    wanted = _relevant(paths_of(applied, schema), manager.subresource, has_status)
    result: Object = merged(base, applied, schema)
    others = [owned for owned in ownerships if owned.manager != manager]
    own = next((owned for owned in ownerships if owned.manager == manager), None)

    overwritten = changes(base, result, schema)[0] & wanted
    if not force:
        _refuse_conflicts(others, overwritten)
    others = [_lessened(owned, overwritten, now) for owned in others]

    dropped = (own.paths if own is not None else frozenset()) - wanted
    kept = _and_their_parents([wanted, *(owned.paths for owned in others)])
    if dropped:
        # Laid over once more: a container that was emptied goes, unless it is applied as an empty one.
        result = merged(without(result, dropped - kept, schema), applied, schema)
    mine = own if own is not None and own.paths == wanted else Ownership(manager, wanted, now)
    result["metadata"] = dict(result.get("metadata") or {})
    _write(result, [*others, mine])
    return result


def _and_their_parents(sets: Iterable[Paths]) -> Paths:
    return frozenset(path[:end] for paths in sets for path in paths for end in range(1, len(path) + 1))


def _refuse_conflicts(others: list[Ownership], overwritten: Paths) -> None:
    causes = []
    for owned in others:
        for path in sorted(owned.paths & overwritten):
            who = f'conflict with "{owned.manager.name}"'
            if owned.manager.operation == "Update":
                who += f" using {owned.manager.api_version}"
            causes.append({"reason": "FieldManagerConflict", "message": who, "field": readable(path)})
    if not causes:
        return
    count = "1 conflict" if len(causes) == 1 else f"{len(causes)} conflicts"
    first = causes[0]
    listed = (
        f"{first['message']}: {first['field']}"
        if len(causes) == 1
        else "; ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
    )
    raise RefusalError(409, "Conflict", f"Apply failed with {count}: {listed}", {"causes": causes})


def readable(path: tuple[str, ...]) -> str:
    """A path in words: ``.spec.teammates[name="a"].prompt``."""
    text = ""
    for element in path:
        kind, value = element[:2], element[2:]
        if kind == "f:":
            text += "." + value
        elif kind == "k:":
            text += "[" + value.strip("{}").replace('":', '"=').replace('"', "", 2) + "]"
        else:
            text += f"[={value}]"
    return text
