"""``metadata``: what the server sets, what a writer may not change, and the syntax of names, labels and
owners."""

import re
import secrets
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import Cause, bad_request
from kagents_local.apiserver.kinds import Kind
from kagents_local.apiserver.structural import shown

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_LABEL = re.compile(rf"^{_LABEL}$")
DNS_SUBDOMAIN = re.compile(rf"^{_LABEL}(\.{_LABEL})*$")
_LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
_KEY_NAME = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels, so no words."""
ANNOTATIONS_LIMIT = 256 * 1024

KEPT = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "name",
    "namespace",
)
"""Fields of the metadata that an update cannot change."""


def now() -> str:
    """The time in the form of the API: RFC 3339 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def settle_new(kind: Kind, obj: Object, namespace: str) -> None:
    """Give a new object its name, namespace, UID and time. Raises a 400 refusal when they contradict the
    URL."""
    metadata = obj.setdefault("metadata", {})
    given = metadata.get("namespace")
    if kind.namespaced:
        if given and given != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    if not metadata.get("name") and metadata.get("generateName"):
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(5))
        metadata["name"] = f"{metadata['generateName'][:58]}{suffix}"
    for field in (
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
    ):
        metadata.pop(field, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = now()
    if kind.custom:
        metadata["generation"] = 1


def keep_settled(obj: Object, old: Object) -> None:
    """Put back into an update what no update may change."""
    metadata = obj.setdefault("metadata", {})
    for field in KEPT:
        if field in old["metadata"]:
            metadata[field] = old["metadata"][field]
        else:
            metadata.pop(field, None)
    metadata.pop("selfLink", None)


def check(kind: Kind, obj: Object, old: Object | None) -> Iterator[Cause]:
    """The rules of metadata that an object breaks."""
    metadata = obj["metadata"]
    name = metadata.get("name")
    if not name:
        yield Cause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")
    elif old is None:
        yield from _check_name(kind, name)
    for key, value in (metadata.get("labels") or {}).items():
        yield from _check_key("metadata.labels", key)
        if not isinstance(value, str) or len(value) > 63 or not _LABEL_VALUE.match(value):
            rule = "at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
            yield Cause("metadata.labels", f"Invalid value: {shown(value)}: {rule}")
    annotations = metadata.get("annotations") or {}
    for key, value in annotations.items():
        yield from _check_key("metadata.annotations", key)
        if not isinstance(value, str):
            yield Cause("metadata.annotations", f"Invalid value: {shown(value)}: must be a string")
    if sum(len(str(k)) + len(str(v)) for k, v in annotations.items()) > ANNOTATIONS_LIMIT:
        limit = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield Cause("metadata.annotations", limit, "FieldValueTooLong")
    yield from _check_owners(metadata)
    yield from _check_finalizers(metadata, old)


def _check_name(kind: Kind, name: str) -> Iterator[Cause]:
    if kind.group == "rbac.authorization.k8s.io":
        if "/" in name or "%" in name or name in (".", ".."):
            yield Cause("metadata.name", f"Invalid value: {shown(name)}: may not contain '/' or '%'")
        return
    single = kind.storage == "namespaces"
    limit, pattern = (63, DNS_LABEL) if single else (253, DNS_SUBDOMAIN)
    if len(name) > limit:
        yield Cause("metadata.name", f"Invalid value: {shown(name)}: must be no more than {limit} characters")
    elif not pattern.match(name):
        what = "label" if single else "subdomain"
        allowed = "lower case letters, digits and '-'" + ("" if single else " or '.'")
        rule = f"a lowercase RFC 1123 {what} is needed: {allowed}, a letter or digit at both ends"
        yield Cause("metadata.name", f"Invalid value: {shown(name)}: {rule}")


def _check_key(field: str, key: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    fits = len(name) <= 63 and _KEY_NAME.match(name)
    if slash:
        fits = fits and len(prefix) <= 253 and DNS_SUBDOMAIN.match(prefix)
    if not fits:
        rule = "a key is a name of at most 63 characters, with an optional DNS prefix and '/' before it"
        yield Cause(field, f"Invalid value: {shown(key)}: {rule}")


def _check_owners(metadata: dict[str, Any]) -> Iterator[Cause]:
    controllers = 0
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                path = f"metadata.ownerReferences[{index}].{field}"
                yield Cause(path, 'Invalid value: "": must not be empty')
        controllers += owner.get("controller") is True
    if controllers > 1:
        yield Cause(
            "metadata.ownerReferences", "Invalid value: only one reference can have controller set to true"
        )


def _check_finalizers(metadata: dict[str, Any], old: Object | None) -> Iterator[Cause]:
    if old is None or "deletionTimestamp" not in old["metadata"]:
        return
    added = set(metadata.get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
    if added:
        detail = (
            f"Forbidden: the object is being deleted, so it gets no finalizer: {', '.join(sorted(added))}"
        )
        yield Cause("metadata.finalizers", detail, "FieldValueForbidden")
