"""What a request asks for, read from its method, path and query."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from kagents_local.apiserver.errors import bad_request, not_allowed, unknown_path

_VERBS: Final[Mapping[tuple[str, bool], str]] = {
    ("GET", True): "get",
    ("GET", False): "list",
    ("HEAD", True): "get",
    ("HEAD", False): "list",
    ("POST", False): "create",
    ("PUT", True): "update",
    ("PATCH", True): "patch",
    ("DELETE", True): "delete",
    ("DELETE", False): "deletecollection",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that a request addresses. ``verb`` is that of RBAC."""

    verb: str
    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse_path(method: str, raw_path: str, query: Mapping[str, str]) -> Target:
    """The target of a path below ``/api/v1`` or ``/apis/<group>/<version>``. Raises 404 or 405."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        raise unknown_path()
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise unknown_path()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not _is_namespace_part(rest):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        raise unknown_path()
    plural, name, subresource = (*rest, "", "")[:3]
    verb = _verb(method, plural, name, subresource, query)
    return Target(verb, group, version, plural, namespace, name, subresource)


def _is_namespace_part(rest: list[str]) -> bool:
    return len(rest) == 3 and rest[2] in ("status", "finalize")


def _verb(method: str, plural: str, name: str, subresource: str, query: Mapping[str, str]) -> str:
    if subresource == "exec" or (subresource == "token" and method == "POST"):
        return "create"
    verb = _VERBS.get((method, bool(name)))
    if verb is None:
        raise not_allowed()
    if method == "GET" and not subresource and flag(query, "watch"):
        return "watch"
    return verb


def flag(query: Mapping[str, str], name: str) -> bool:
    """A boolean parameter."""
    return query.get(name, "") in ("1", "true", "True")


def number(query: Mapping[str, str], name: str) -> int | None:
    """A whole, non-negative number, or None when absent. Raises 400 for anything else."""
    text = query.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise bad_request(f"{name} is not a whole number: {text[:100]!r}")
    return int(text)
