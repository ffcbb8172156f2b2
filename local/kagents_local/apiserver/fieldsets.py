"""Sets of field paths as server-side apply has them (FieldsV1), and how an object's schema divides it into
fields.

A path is a tuple of elements: ``f:<name>`` a field, ``k:{"name":"x"}`` an item of a list that is a map,
``v:"x"`` an item of a list that is a set. Without a schema, objects are divided by field and lists are one
indivisible value. Source: kubernetes.io/docs/reference/using-api/server-side-apply and the
``x-kubernetes-list-type`` extensions.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from kagents_local.apiserver.errors import bad_request

Path = tuple[str, ...]
Paths = frozenset[Path]
Schema = Mapping[str, Any] | None

_MISSING = object()


def child_schema(schema: Schema, name: str) -> Schema:
    """The schema of a field, or None when nothing is known of it."""
    if schema is None:
        return None
    found = (schema.get("properties") or {}).get(name)
    if found is None:
        found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def is_atomic(value: object, schema: Schema) -> bool:
    """Whether a value is one indivisible field."""
    if isinstance(value, dict):
        return schema is not None and schema.get("x-kubernetes-map-type") == "atomic"
    if isinstance(value, list):
        return schema is None or schema.get("x-kubernetes-list-type", "atomic") == "atomic"
    return True


def item_element(item: Any, schema: Mapping[str, Any]) -> str:
    """The path element of an item in a list that is a map or a set. Raises a 400 refusal for an item
    without its keys."""
    if schema["x-kubernetes-list-type"] == "set":
        return "v:" + orjson.dumps(item).decode()
    keys = {}
    for key in schema["x-kubernetes-list-map-keys"]:
        value = item.get(key, _MISSING) if isinstance(item, dict) else _MISSING
        if value is _MISSING:
            properties = (schema.get("items") or {}).get("properties") or {}
            value = (properties.get(key) or {}).get("default", _MISSING)
        if value is _MISSING:
            raise bad_request(f"a list item lacks its key {key!r}: {str(item)[:200]}")
        keys[key] = value
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def item_schema(schema: Mapping[str, Any]) -> Schema:
    """The schema of a list's items."""
    items = schema.get("items")
    return items if isinstance(items, dict) else None


def keyed(items: list[Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Items of a divisible list by their path element."""
    return {item_element(item, schema): item for item in items}


def paths_of(value: Any, schema: Schema, prefix: Path = ()) -> Paths:
    """Every field that a value sets."""
    found: set[Path] = set()
    _collect(value, schema, prefix, found)
    return frozenset(found)


def _collect(value: Any, schema: Schema, prefix: Path, found: set[Path]) -> None:
    if not value or is_atomic(value, schema):
        if prefix:
            found.add(prefix)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _collect(inner, child_schema(schema, name), (*prefix, "f:" + name), found)
    else:
        assert schema is not None
        for element, item in keyed(value, schema).items():
            path = (*prefix, element)
            found.add(path)
            if isinstance(item, dict):
                _collect(item, item_schema(schema), path, found)


def changes(old: Any, new: Any, schema: Schema) -> tuple[Paths, Paths]:
    """Fields that are new or different in ``new``, and fields that it has no longer."""
    changed: set[Path] = set()
    removed: set[Path] = set()
    _compare(old, new, schema, (), changed, removed)
    return frozenset(changed), frozenset(removed)


def _compare(
    old: Any, new: Any, schema: Schema, prefix: Path, changed: set[Path], removed: set[Path]
) -> None:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not is_atomic(new, schema):
        for name in old.keys() | new.keys():
            path = (*prefix, "f:" + name)
            inner = child_schema(schema, name)
            _compare_member(old.get(name, _MISSING), new.get(name, _MISSING), inner, path, changed, removed)
        if not new and prefix:
            changed.add(prefix)
    elif isinstance(old, list) and isinstance(new, list) and not is_atomic(new, schema):
        assert schema is not None
        before, after = keyed(old, schema), keyed(new, schema)
        for element in before.keys() | after.keys():
            path = (*prefix, element)
            pair = before.get(element, _MISSING), after.get(element, _MISSING)
            if pair[0] is _MISSING:
                changed.add(path)
            elif pair[1] is _MISSING:
                removed.add(path)
            _compare_member(*pair, item_schema(schema), path, changed, removed)
    else:
        _collect(new, schema, prefix, changed)
        removed |= paths_of(old, schema, prefix) - changed


def _compare_member(
    old: Any, new: Any, schema: Schema, path: Path, changed: set[Path], removed: set[Path]
) -> None:
    if old is _MISSING:
        _collect(new, schema, path, changed)
    elif new is _MISSING:
        _collect(old, schema, path, removed)
    else:
        _compare(old, new, schema, path, changed, removed)


def merged(live: Any, applied: Any, schema: Schema) -> Any:
    """The live value with everything that ``applied`` says laid over it."""
    if isinstance(live, dict) and isinstance(applied, dict) and not is_atomic(applied, schema):
        result = dict(live)
        for name, value in applied.items():
            inner = child_schema(schema, name)
            result[name] = merged(live[name], value, inner) if name in live else value
        return result
    if isinstance(live, list) and isinstance(applied, list) and not is_atomic(applied, schema):
        assert schema is not None
        before, after = keyed(live, schema), keyed(applied, schema)
        inner = item_schema(schema)
        order = after if before.keys() <= after.keys() else {**before, **after}
        return [
            merged(before[e], after[e], inner) if e in before and e in after else after.get(e, before.get(e))
            for e in order
        ]
    return applied


def without(value: Any, paths: Iterable[Path], schema: Schema) -> Any:
    """The value without some fields; a container that this empties goes as well."""
    for path in sorted(paths, key=len, reverse=True):
        value = _removed(value, path, schema)
    return {} if value is None else value


def _removed(value: Any, path: Path, schema: Schema) -> Any:
    element, rest = path[0], path[1:]
    if isinstance(value, dict) and element.startswith("f:"):
        name = element[2:]
        if name not in value:
            return value
        inner = _removed(value[name], rest, child_schema(schema, name)) if rest else None
        kept = {key: kept for key, kept in value.items() if key != name}
        if inner is not None:
            return {**value, name: inner}
        return kept or None
    if isinstance(value, list) and schema is not None and not is_atomic(value, schema):
        items = []
        for item in value:
            if item_element(item, schema) != element:
                items.append(item)
            elif rest:
                items.append(item if _is_key(rest, schema) else _removed(item, rest, item_schema(schema)))
        return items or None
    return value


def _is_key(path: Path, schema: Mapping[str, Any]) -> bool:
    """Whether the path is a key of a list's items, which only goes together with its item."""
    return len(path) == 1 and path[0][2:] in (schema.get("x-kubernetes-list-map-keys") or ())


def encode(paths: Paths) -> dict[str, Any]:
    """The paths as FieldsV1."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_plain_dots(root)


def _without_plain_dots(node: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {} if inner.keys() == {"."} else _without_plain_dots(inner) if key != "." else {}
        for key, inner in node.items()
    }


def decode(fields: Mapping[str, Any]) -> Paths:
    """FieldsV1 as paths."""
    found: set[Path] = set()
    _decode(fields, (), found)
    return frozenset(found)


def _decode(node: Mapping[str, Any], prefix: Path, found: set[Path]) -> None:
    for element, inner in node.items():
        if element == ".":
            found.add(prefix)
        elif not inner:
            found.add((*prefix, element))
        else:
            _decode(inner, (*prefix, element), found)
