"""Patches as an API server applies them: RFC 7386, and server-side apply with an owner for each field."""

from typing import Any

Object = dict[str, Any]
Path = tuple[str, ...]


def merge(target: Object, patch: Object) -> Object:
    """JSON merge patch, into ``target``."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            found = target.get(key)
            target[key] = merge(found if isinstance(found, dict) else {}, value)
        else:
            target[key] = value
    return target


def leaves(value: Any, path: Path = ()) -> set[Path]:
    """The fields that an intent owns. Lists are owned as a whole: kagents' two writers share none."""
    if not isinstance(value, dict) or not value:
        return {path}
    return {leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))}


def intent_of(body: Object, subresource: str | None) -> Object:
    """What of an applied body is a wish: not what identifies the object."""
    if subresource:
        return {subresource: body.get(subresource) or {}}
    metadata = {k: v for k, v in body.get("metadata", {}).items() if k in ("labels", "annotations")}
    owners = body.get("metadata", {}).get("ownerReferences")
    if owners:
        metadata["ownerReferences"] = owners
    wish = {k: v for k, v in body.items() if k not in ("metadata", "status", "apiVersion", "kind")}
    return wish | ({"metadata": metadata} if metadata else {})


class Owners:
    """Which manager applied which fields of one object."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], set[Path]] = {}

    @property
    def managers(self) -> list[str]:
        """Who has applied anything."""
        return sorted({manager for manager, _ in self._fields})

    def conflicts(self, current: Object, intent: Object, manager: str) -> list[tuple[str, str]]:
        """Fields that others applied with another value: their manager and path."""
        found = []
        for (other, _), fields in sorted(self._fields.items()):
            for path in sorted(fields & leaves(intent)):
                if other != manager and value_at(current, path) != value_at(intent, path):
                    found.append((other, "".join(f".{part}" for part in path)))
        return found

    def apply(self, current: Object, intent: Object, manager: str, subresource: str | None) -> Object:
        """``current`` with what the manager wants, and without what only it wanted before."""
        wanted, key = leaves(intent), (manager, subresource or "")
        given_up = self._fields.get(key, set()) - wanted
        others = {path for other, fields in self._fields.items() if other != key for path in fields}
        for path in given_up - others:
            remove(current, path)
        for fields in self._fields.values():
            fields -= {path for path in fields & wanted if value_at(current, path) != value_at(intent, path)}
        self._fields[key] = wanted
        for path in sorted(wanted):
            put(current, path, value_at(intent, path))
        return current


def value_at(value: Any, path: Path) -> Any:
    """What stands there; None when nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def put(target: Object, path: Path, value: Any) -> None:
    """Write a value, and the objects on the way to it."""
    for key in path[:-1]:
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        target = inner
    target[path[-1]] = value


def remove(target: Object, path: Path) -> None:
    """Take a field away, and the objects that are empty without it."""
    *way, last = path
    inner = value_at(target, tuple(way))
    if isinstance(inner, dict):
        inner.pop(last, None)
        if not inner and len(way) > 1:
            remove(target, tuple(way))
