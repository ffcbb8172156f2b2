"""Request bodies: size limit, JSON and YAML, duplicate fields."""

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from kagents_local.apiserver import protobuf
from kagents_local.apiserver.errors import bad_request, too_large, unsupported_media

BODY_LIMIT: Final = 3 * 1024 * 1024
"""Bytes of one request body (as kube-apiserver limits it)."""
DEPTH_LIMIT: Final = 64

OBJECT_TYPES: Final = ("application/json", "application/yaml", protobuf.MEDIA_TYPE)


async def read(request: web.BaseRequest) -> bytes:
    """The whole body. Raises 413."""
    length = request.content_length
    if length is not None and length > BODY_LIMIT:
        raise too_large(BODY_LIMIT)
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise too_large(BODY_LIMIT)
        chunks.append(chunk)
    return b"".join(chunks)


def media_type(request: web.BaseRequest) -> str:
    """The content type without parameters; JSON when none is given."""
    return request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()


def parse_object(data: bytes, content_type: str) -> dict[str, Any]:
    """An object from JSON, YAML or (some kinds) protobuf. Raises 400 or 415."""
    if content_type not in OBJECT_TYPES:
        raise unsupported_media(content_type, OBJECT_TYPES)
    if content_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(data)
    value = parse_yaml(data) if content_type.endswith("yaml") else parse_json(data)
    if not isinstance(value, dict):
        raise bad_request("the body is not an object")
    return value


def parse_json(data: bytes) -> Any:
    """JSON of limited depth. Raises 400."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    _check_depth(value, DEPTH_LIMIT)
    return value


def parse_yaml(data: bytes) -> Any:
    """One YAML (or JSON) document, read as safely as manifests are. Raises 400."""
    if data.lstrip()[:1] == b"{":
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
        else:
            _check_depth(value, DEPTH_LIMIT)
            return value
    from kagents_core.api.manifests import ManifestError, read_manifests

    try:
        documents = read_manifests(data, source="the request body")
    except ManifestError as error:
        raise bad_request(str(error)) from None
    if len(documents) != 1:
        raise bad_request(f"the body holds {len(documents)} documents instead of one")
    return documents[0]


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise bad_request(f"the body is nested deeper than {DEPTH_LIMIT} levels")
    if isinstance(value, dict):
        for inner in value.values():
            if isinstance(inner, dict | list):
                _check_depth(inner, left - 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                _check_depth(inner, left - 1)


class _Repeated(dict[str, Any]):
    """A JSON object in which keys occurred more than once."""

    keys_seen_twice: tuple[str, ...] = ()


def duplicate_fields(data: bytes) -> list[str]:
    """Paths of fields that a JSON document sets twice; empty for anything that is not JSON."""
    repeats: list[_Repeated] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(items) == len(found := dict(items)):
            return found
        repeated = _Repeated(found)
        names = [name for name, _ in items]
        repeated.keys_seen_twice = tuple(sorted({name for name in names if names.count(name) > 1}))
        repeats.append(repeated)
        return repeated

    try:
        value = json.loads(data, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return []
    return list(_duplicates(value, "")) if repeats else []


def _duplicates(value: Any, path: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, _Repeated):
        found += [f"{path}.{name}" if path else name for name in value.keys_seen_twice]
    if isinstance(value, Mapping):
        for name, inner in value.items():
            found += _duplicates(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += _duplicates(inner, f"{path}[{index}]")
    return found
