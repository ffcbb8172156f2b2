"""Strategic merge patch for the built-in kinds, as kubectl sends it for them.

Lists that are maps merge by their keys, sets of text merge by value, other lists are replaced. Directives:
``$patch`` (``replace``, ``delete``, ``merge``), ``$deleteFromPrimitiveList/<field>``,
``$setElementOrder/<field>``, ``$retainKeys``. Source: the design notes on strategic merge patch of the
Kubernetes community, and kubectl's behaviour.
"""

from collections.abc import Mapping
from typing import Any

from kagents_local.apiserver.errors import bad_request
from kagents_local.apiserver.fieldsets import Schema, child_schema, item_schema

_DELETE = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def patch(target: Any, change: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """The target with the patch laid over it. Raises a 400 refusal for a directive that cannot be
    followed."""
    directive = change.get("$patch")
    if directive == "replace":
        return {name: value for name, value in change.items() if name != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"unknown $patch directive {str(directive)[:100]!r}")
    result = dict(target) if isinstance(target, dict) else {}
    retained = change.get("$retainKeys")
    if isinstance(retained, list):
        result = {name: value for name, value in result.items() if name in retained}
    for name, value in change.items():
        if name.startswith(_DELETE):
            field = name.removeprefix(_DELETE)
            result[field] = [item for item in result.get(field) or () if item not in value]
        elif not name.startswith("$"):
            _set(result, name, value, child_schema(schema, name))
    for name, value in change.items():
        if name.startswith(_ORDER) and isinstance(result.get(name.removeprefix(_ORDER)), list):
            field = name.removeprefix(_ORDER)
            result[field] = _ordered(result[field], value, _keys(child_schema(schema, field)))
    return result


def _set(result: dict[str, Any], name: str, value: Any, schema: Schema) -> None:
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        result[name] = patch(result.get(name), value, schema)
        if value.get("$patch") == "delete":
            del result[name]
    elif isinstance(value, list):
        result[name] = _merge_list(result.get(name), value, schema)
    else:
        result[name] = value


def _keys(schema: Schema) -> tuple[str, ...]:
    """The merge key of a list: a map's first key, as the types of Kubernetes name just one."""
    if schema is None or schema.get("x-kubernetes-list-type") != "map":
        return ()
    return tuple(schema.get("x-kubernetes-list-map-keys") or ())[:1]


def _merge_list(old: Any, new: list[Any], schema: Schema) -> list[Any]:
    items = list(old) if isinstance(old, list) else []
    keys = _keys(schema)
    if not keys:
        if schema is not None and schema.get("x-kubernetes-list-type") == "set":
            return items + [item for item in new if item not in items]
        return new
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in new):
        return [item for item in new if not (isinstance(item, dict) and "$patch" in item)]
    key = keys[0]
    for item in new:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"an item of the patched list lacks its key {key!r}")
        index = next((i for i, each in enumerate(items) if each.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            items = [each for each in items if each.get(key) != item[key]]
        elif index is None:
            items.append(patch({}, item, item_schema(schema) if schema else None))
        else:
            items[index] = patch(items[index], item, item_schema(schema) if schema else None)
    return items


def _ordered(items: list[Any], order: Any, keys: tuple[str, ...]) -> list[Any]:
    """Items in the given order; those that it does not name stay behind."""

    def identity(item: Any) -> Any:
        return item.get(keys[0]) if keys and isinstance(item, dict) else item

    wanted = [identity(item) for item in order] if isinstance(order, list) else []
    places = {repr(value): place for place, value in enumerate(wanted)}
    return sorted(items, key=lambda item: places.get(repr(identity(item)), len(places)))
