"""Structural schemas of custom resources: pruning, defaults and validation, with the words a real API
server uses."""

import re
from collections.abc import Iterator, Mapping
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
            inner = properties.get(name, extra if isinstance(extra, Mapping) else None)
            if inner is not None:
                unknown += prune(value[name], inner, f"{path}.{name}" if path else name)
            elif not keeps and not (path == "" and name in EVERY_OBJECT):
                del value[name]
                unknown.append(f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, Mapping):
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
        if isinstance(extra, Mapping):
            for name in value.keys() - (schema.get("properties") or {}).keys():
                fill_defaults(value[name], extra)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for item in value:
            fill_defaults(item, schema["items"])


def drop_nulls(value: Any, schema: Schema) -> None:
    """Remove nulls where the schema does not allow them: they mean "not set"."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        for name in list(value):
            inner = properties.get(name, extra)
            if not isinstance(inner, Mapping):
                continue
            if value[name] is None and not inner.get("nullable"):
                del value[name]
            else:
                drop_nulls(value[name], inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for item in value:
            drop_nulls(item, schema["items"])


def validate(value: Any, schema: Schema) -> list[Cause]:
    """Every rule of the schema that the value breaks (at most 20)."""
    found: list[Cause] = []
    for cause in _broken(value, schema, ""):
        found.append(cause)
        if len(found) == MAX_CAUSES:
            break
    return found


def shown(value: Any) -> str:
    """A value inside a message: as JSON, cut to 200 characters."""
    text = orjson.dumps(value, default=str).decode("utf-8", "replace")
    return text if len(text) <= 200 else text[:200] + "…"


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, python):
            return name
    return "object"


def _fits(actual: str, wanted: str) -> bool:
    return actual == wanted or (wanted == "number" and actual == "integer")


def _broken(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    wanted = schema.get("type")
    actual = _type_of(value)
    if schema.get("x-kubernetes-int-or-string"):
        if actual not in ("integer", "string"):
            yield _wrong_type(path, actual, "integer,string")
            return
    elif value is None and schema.get("nullable"):
        return
    elif wanted and not _fits(actual, wanted):
        yield _wrong_type(path, actual, wanted)
        return
    if "enum" in schema and value not in schema["enum"]:
        options = ", ".join(shown(option) for option in schema["enum"])
        yield Cause(
            path, f"Unsupported value: {shown(value)}: supported values: {options}", "FieldValueNotSupported"
        )
        return
    if isinstance(value, dict):
        yield from _broken_object(value, schema, path)
    elif isinstance(value, list):
        yield from _broken_list(value, schema, path)
    elif isinstance(value, str):
        yield from _broken_text(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _broken_number(value, schema, path)


def _wrong_type(path: str, actual: str, wanted: str) -> Cause:
    where = path or "<root>"
    detail = f'Invalid value: "{actual}": {where} in body must be of type {wanted}: "{actual}"'
    return Cause(where, detail, "FieldValueTypeInvalid")


def _in_body(path: str, value: Any, rule: str) -> Cause:
    return Cause(path, f"Invalid value: {shown(value)}: {path} in body should {rule}")


def _broken_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[Cause]:
    prefix = f"{path}." if path else ""
    for name in schema.get("required") or ():
        if name not in value:
            yield Cause(f"{prefix}{name}", "Required value", "FieldValueRequired")
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for name, inner in value.items():
        of = properties.get(name)
        if of is None and isinstance(extra, Mapping):
            of = extra
        if of is not None:
            yield from _broken(inner, of, f"{prefix}{name}")


def _broken_list(value: list[Any], schema: Schema, path: str) -> Iterator[Cause]:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        detail = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        yield Cause(path, detail, "FieldValueTooMany")
        return
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield _in_body(path, len(value), f"have at least {schema['minItems']} items")
    items = schema.get("items")
    if isinstance(items, Mapping):
        for index, item in enumerate(value):
            yield from _broken(item, items, f"{path}[{index}]")
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        identity = _identity(item, schema)
        if identity is None:
            continue
        key = orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)
        if key in seen:
            yield Cause(f"{path}[{index}]", f"Duplicate value: {key.decode()}", "FieldValueDuplicate")
        seen.add(key)


def _identity(item: Any, schema: Schema) -> Any:
    """What must be unique in a list: the item of a set, the keys of a map's item, else None."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == "set":
        return item
    if kind == "map" and isinstance(item, dict):
        return {key: item.get(key) for key in schema.get("x-kubernetes-list-map-keys") or ()}
    return None


def _broken_text(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield Cause(path, f"Too long: may not be more than {schema['maxLength']} bytes", "FieldValueTooLong")
        return
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield _in_body(path, value, f"be at least {schema['minLength']} chars long")
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        yield _in_body(path, value, f"match '{schema['pattern']}'")


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _broken_number(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        if schema.get("exclusiveMinimum") and value <= low:
            yield _in_body(path, value, f"be greater than {low}")
        elif value < low:
            yield _in_body(path, value, f"be greater than or equal to {low}")
    if high is not None:
        if schema.get("exclusiveMaximum") and value >= high:
            yield _in_body(path, value, f"be less than {high}")
        elif value > high:
            yield _in_body(path, value, f"be less than or equal to {high}")
