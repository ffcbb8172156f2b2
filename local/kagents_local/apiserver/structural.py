"""Structural schemas of custom resources: pruning, defaults and validation, with the words a real API
server uses."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from kagents_local.apiserver.errors import Cause

Schema = Mapping[str, Any]

KEEP_UNKNOWN = "x-kubernetes-preserve-unknown-fields"
EVERY_OBJECT = frozenset({"apiVersion", "kind", "metadata"})
MAX_CAUSES = 20
"""Broken rules reported at once; more would not help anybody."""


def prune(value: Any, schema: Schema, path: str = "") -> list[str]:
    """Remove fields that the schema does not know from ``value``; returns their paths."""
    unknown: list[str] = []
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        keeps = bool(schema.get(KEEP_UNKNOWN)) or extra is True
        for name in list(value):
            inner = properties.get(name, extra if isinstance(extra, dict) else None)
            if inner is not None:
                unknown += prune(value[name], inner, f"{path}.{name}" if path else name)
            elif not keeps and not (path == "" and name in EVERY_OBJECT):
                del value[name]
                unknown.append(f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for index, item in enumerate(value):
                unknown += prune(item, items, f"{path}[{index}]")
    return unknown


def fill_defaults(value: Any, schema: Schema) -> None:
    """Set every absent field that has a default; a null in place of one with a default is replaced as
    well."""
    if isinstance(value, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if "default" in inner and (
                name not in value or (value[name] is None and not inner.get("nullable"))
            ):
                value[name] = orjson.loads(orjson.dumps(inner["default"]))
            if name in value:
                fill_defaults(value[name], inner)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for name in value.keys() - (schema.get("properties") or {}).keys():
                fill_defaults(value[name], extra)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            fill_defaults(item, schema["items"])


def drop_nulls(value: Any, schema: Schema) -> None:
    """Remove nulls where the schema does not allow them: they mean "not set"."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        for name in list(value):
            inner = properties.get(name, extra)
            if not isinstance(inner, dict):
                continue
            if value[name] is None and not inner.get("nullable"):
                del value[name]
            else:
                drop_nulls(value[name], inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            drop_nulls(item, schema["items"])


def validate(value: Any, schema: Schema) -> list[Cause]:
    """Every rule of the schema that the value breaks (at most 20)."""
    found: list[Cause] = []
    _check(value, schema, None, found)
    return found[:MAX_CAUSES]


def shown(value: Any) -> str:
    """A value inside a message: as JSON, cut to 200 characters."""
    text = orjson.dumps(value, default=str).decode("utf-8", "replace")
    return text if len(text) <= 200 else text[:200] + "…"


Place = tuple[Any, str | int] | None
"""Where a value stands: its parent's place, and its field or position. Written out only for an error."""


def _path(place: Place) -> str:
    if place is None:
        return ""
    above, step = _path(place[0]), place[1]
    if isinstance(step, int):
        return f"{above}[{step}]"
    return f"{above}.{step}" if above else step


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, python):
            return name
    return "object"


_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def _fits(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _PYTHON[wanted])


def _check(value: Any, schema: Schema, place: Place, found: list[Cause]) -> None:
    if len(found) >= MAX_CAUSES or (value is None and schema.get("nullable")):
        return
    wanted = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, int | str) or isinstance(value, bool):
            found.append(_wrong_type(place, value, "integer,string"))
            return
    elif wanted and not _fits(value, wanted):
        found.append(_wrong_type(place, value, wanted))
        return
    if "enum" in schema and value not in schema["enum"]:
        options = ", ".join(shown(option) for option in schema["enum"])
        detail = f"Unsupported value: {shown(value)}: supported values: {options}"
        found.append(Cause(_path(place), detail, "FieldValueNotSupported"))
    elif isinstance(value, str):
        _check_text(value, schema, place, found)
    elif isinstance(value, dict):
        _check_object(value, schema, place, found)
    elif isinstance(value, list):
        _check_list(value, schema, place, found)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(value, schema, place, found)


def _wrong_type(place: Place, value: Any, wanted: str) -> Cause:
    where, actual = _path(place) or "<root>", _type_of(value)
    detail = f'Invalid value: "{actual}": {where} in body must be of type {wanted}: "{actual}"'
    return Cause(where, detail, "FieldValueTypeInvalid")


def _in_body(place: Place, value: Any, rule: str) -> Cause:
    path = _path(place)
    return Cause(path, f"Invalid value: {shown(value)}: {path} in body should {rule}")


def _check_object(value: dict[str, Any], schema: Schema, place: Place, found: list[Cause]) -> None:
    for name in schema.get("required") or ():
        if name not in value:
            found.append(Cause(_path((place, name)), "Required value", "FieldValueRequired"))
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for name, inner in value.items():
        of = properties.get(name)
        if of is None and isinstance(extra, dict):
            of = extra
        if of is not None:
            _check(inner, of, (place, name), found)


def _check_list(value: list[Any], schema: Schema, place: Place, found: list[Cause]) -> None:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        detail = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        found.append(Cause(_path(place), detail, "FieldValueTooMany"))
        return
    if "minItems" in schema and len(value) < schema["minItems"]:
        found.append(_in_body(place, len(value), f"have at least {schema['minItems']} items"))
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            _check(item, items, (place, index), found)
    if schema.get("x-kubernetes-list-type", "atomic") != "atomic":
        _check_unique(value, schema, place, found)


def _check_unique(value: list[Any], schema: Schema, place: Place, found: list[Cause]) -> None:
    """Items of a set, and the keys of a map's items, occur once."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        identity = item
        if schema["x-kubernetes-list-type"] == "map":
            if not isinstance(item, dict):
                continue
            identity = {key: item.get(key) for key in keys}
        key = orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)
        if key in seen:
            duplicate = f"Duplicate value: {key.decode()}"
            found.append(Cause(_path((place, index)), duplicate, "FieldValueDuplicate"))
        seen.add(key)


def _check_text(value: str, schema: Schema, place: Place, found: list[Cause]) -> None:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        detail = f"Too long: may not be more than {schema['maxLength']} bytes"
        found.append(Cause(_path(place), detail, "FieldValueTooLong"))
        return
    if "minLength" in schema and len(value) < schema["minLength"]:
        found.append(_in_body(place, value, f"be at least {schema['minLength']} chars long"))
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        found.append(_in_body(place, value, f"match '{schema['pattern']}'"))


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _check_number(value: float, schema: Schema, place: Place, found: list[Cause]) -> None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        if schema.get("exclusiveMinimum") and value <= low:
            found.append(_in_body(place, value, f"be greater than {low}"))
        elif value < low:
            found.append(_in_body(place, value, f"be greater than or equal to {low}"))
    if high is not None:
        if schema.get("exclusiveMaximum") and value >= high:
            found.append(_in_body(place, value, f"be less than {high}"))
        elif value > high:
            found.append(_in_body(place, value, f"be less than or equal to {high}"))
