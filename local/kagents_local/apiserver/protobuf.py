"""Request bodies in protobuf, which kubectl sends for the few kinds it has typed commands for (``create
secret`` and so on).

Only decoding, only those kinds: every answer is JSON. Field numbers are those of the generated ``.proto``
files of k8s.io/api and k8s.io/apimachinery; a field that a table lacks is skipped, as protobuf wants it.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kagents_local.apiserver.errors import bad_request

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"
_DEPTH: Final = 16

Field = tuple[str, str]
"""Name, and type: ``string``, ``bool``, ``int``, ``bytes``, ``time``, ``map`` or ``bytesmap``, or a
message; ``*`` repeats."""

_MESSAGES: Final[Mapping[str, Mapping[int, Field]]] = {
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        5: ("uid", "string"),
        6: ("resourceVersion", "string"),
        8: ("creationTimestamp", "time"),
        11: ("labels", "map"),
        12: ("annotations", "map"),
        13: ("ownerReferences", "*OwnerReference"),
        14: ("finalizers", "*string"),
    },
    "OwnerReference": {
        1: ("kind", "string"),
        3: ("name", "string"),
        4: ("uid", "string"),
        5: ("apiVersion", "string"),
        6: ("controller", "bool"),
        7: ("blockOwnerDeletion", "bool"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "bytesmap"),
        3: ("type", "string"),
        4: ("stringData", "map"),
        5: ("immutable", "bool"),
    },
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "map"),
        3: ("binaryData", "bytesmap"),
        4: ("immutable", "bool"),
    },
    "Namespace": {1: ("metadata", "ObjectMeta"), 2: ("spec", "NamespaceSpec")},
    "NamespaceSpec": {1: ("finalizers", "*string")},
    "ServiceAccount": {
        1: ("metadata", "ObjectMeta"),
        3: ("imagePullSecrets", "*LocalObjectReference"),
        4: ("automountServiceAccountToken", "bool"),
    },
    "LocalObjectReference": {1: ("name", "string")},
    "Role": {1: ("metadata", "ObjectMeta"), 2: ("rules", "*PolicyRule")},
    "ClusterRole": {1: ("metadata", "ObjectMeta"), 2: ("rules", "*PolicyRule")},
    "PolicyRule": {
        1: ("verbs", "*string"),
        2: ("apiGroups", "*string"),
        3: ("resources", "*string"),
        4: ("resourceNames", "*string"),
        5: ("nonResourceURLs", "*string"),
    },
    "RoleBinding": {1: ("metadata", "ObjectMeta"), 2: ("subjects", "*Subject"), 3: ("roleRef", "RoleRef")},
    "ClusterRoleBinding": {
        1: ("metadata", "ObjectMeta"),
        2: ("subjects", "*Subject"),
        3: ("roleRef", "RoleRef"),
    },
    "Subject": {
        1: ("kind", "string"),
        2: ("apiGroup", "string"),
        3: ("name", "string"),
        4: ("namespace", "string"),
    },
    "RoleRef": {1: ("apiGroup", "string"), 2: ("kind", "string"), 3: ("name", "string")},
    "SelfSubjectReview": {1: ("metadata", "ObjectMeta")},
    "SelfSubjectAccessReview": {1: ("metadata", "ObjectMeta"), 2: ("spec", "AccessSpec")},
    "AccessSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
    },
    "NonResourceAttributes": {1: ("path", "string"), 2: ("verb", "string")},
    "SelfSubjectRulesReview": {1: ("metadata", "ObjectMeta"), 2: ("spec", "RulesSpec")},
    "RulesSpec": {1: ("namespace", "string")},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "int"),
        2: ("preconditions", "Preconditions"),
        4: ("propagationPolicy", "string"),
        5: ("dryRun", "*string"),
    },
    "Preconditions": {1: ("uid", "string"), 2: ("resourceVersion", "string")},
    "Unknown": {1: ("type", "TypeMeta"), 2: ("raw", "raw")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
}
_REQUIRED: Final = frozenset({"metadata"})
"""Messages that an object has even when they are empty."""


def decode(data: bytes) -> dict[str, Any]:
    """The object in a Kubernetes protobuf envelope, as JSON would have it. Raises a 400 refusal."""
    if not data.startswith(_MAGIC):
        raise bad_request("the body is not Kubernetes protobuf")
    try:
        envelope = _message(memoryview(data)[len(_MAGIC) :], "Unknown", _DEPTH)
        head, raw = envelope.get("type", {}), envelope.get("raw", b"")
        kind = str(head.get("kind", ""))
        if kind not in _MESSAGES or "apiVersion" not in head:
            raise bad_request(f"the kind {kind[:100]!r} is read as JSON or YAML only")
        return {**head, **_message(memoryview(raw), kind, _DEPTH)}
    except (ValueError, IndexError, OverflowError):
        raise bad_request("the body is not well-formed protobuf") from None


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers with their numbers or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        size, at = _varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire] if wire in (1, 5) else -1, at)
        if size < 0 or at + size > len(data):
            raise ValueError("a field does not fit")
        yield key >> 3, data[at : at + size]
        at += size


def _message(data: memoryview, name: str, depth: int) -> dict[str, Any]:
    if depth == 0:
        raise ValueError("nested too deep")
    table = _MESSAGES[name]
    found: dict[str, Any] = {}
    for number, value in _fields(data):
        if number not in table:
            continue
        field, kind = table[number]
        if kind in ("map", "bytesmap"):
            key, entry = _map_entry(value, kind == "bytesmap")
            found.setdefault(field, {})[key] = entry
        elif kind.startswith("*"):
            found.setdefault(field, []).append(_value(value, kind[1:], depth))
        else:
            decoded = _value(value, kind, depth)
            # The old generator writes empty texts and messages as well; JSON leaves them out.
            if decoded not in ("", {}, None) or field in _REQUIRED:
                found[field] = decoded
    return found


def _value(value: int | memoryview, kind: str, depth: int) -> Any:
    if kind == "bool":
        return bool(value)
    if kind == "int":
        if not isinstance(value, int):
            raise ValueError("a number is wanted")
        return value - (1 << 64) if value >= 1 << 63 else value
    if isinstance(value, int):
        raise ValueError("a number where none is wanted")
    if kind == "string":
        return bytes(value).decode()
    if kind == "raw":
        return bytes(value)
    if kind == "time":
        seconds = next((number for field, number in _fields(value) if field == 1), None)
        if not isinstance(seconds, int):
            return None
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _message(value, kind, depth - 1)


def _map_entry(value: int | memoryview, is_bytes: bool) -> tuple[str, str]:
    if isinstance(value, int):
        raise ValueError("a map entry is wanted")
    parts = {number: bytes(part) for number, part in _fields(value) if not isinstance(part, int)}
    content = parts.get(2, b"")
    return parts.get(1, b"").decode(), base64.b64encode(content).decode() if is_bytes else content.decode()
