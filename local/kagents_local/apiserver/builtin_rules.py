"""What the server itself does to objects of built-in kinds before it stores them, and what it refuses
there."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import Cause
from kagents_local.apiserver.metadata import now
from kagents_local.apiserver.structural import shown

NODE = "local"
"""The one node: every pod is bound to it when it is made, as no scheduler runs."""

Prepare = Callable[[Object, Object | None], None]


def _prepare_pod(pod: Object, old: Object | None) -> None:
    if old is not None:
        return
    spec = pod.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("nodeName", NODE)
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        if isinstance(container, dict):
            container.setdefault("imagePullPolicy", "IfNotPresent")
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            container.setdefault("terminationMessagePolicy", "File")
    pod["status"] = {"phase": "Pending"}


def _prepare_claim(claim: Object, old: Object | None) -> None:
    """A claim is bound at once: every volume is a directory of the one disk, which the kubelet makes."""
    if old is not None:
        return
    spec = claim.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("volumeName", f"pvc-{claim['metadata']['uid']}")
    requested = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    claim["status"] = {"phase": "Bound", "accessModes": spec.get("accessModes") or []}
    if requested is not None:
        claim["status"]["capacity"] = {"storage": requested}


def _prepare_secret(secret: Object, old: Object | None) -> None:
    plain = secret.pop("stringData", None)
    if isinstance(plain, dict):
        data = secret["data"] = secret.get("data") or {}
        for key, value in plain.items():
            data[key] = base64.b64encode(str(value).encode()).decode()
    secret.setdefault("type", old["type"] if old is not None else "Opaque")


def _prepare_namespace(namespace: Object, old: Object | None) -> None:
    namespace.setdefault("spec", {"finalizers": ["kubernetes"]})
    labels = namespace["metadata"].setdefault("labels", {})
    labels.setdefault("kubernetes.io/metadata.name", namespace["metadata"].get("name", ""))
    if old is None:
        namespace["status"] = {"phase": "Active"}


def _prepare_definition(definition: Object, old: Object | None) -> None:
    spec = definition.get("spec") or {}
    if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return
    names = spec["names"]
    names.setdefault("singular", str(names.get("kind", "")).lower())
    names.setdefault("listKind", f"{names.get('kind', '')}List")
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": now()}
        for kind, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
    ]
    stored = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
    if old is None:
        definition["status"] = {"conditions": conditions, "acceptedNames": names, "storedVersions": stored}


_PREPARE: Mapping[str, Prepare] = {
    "pods": _prepare_pod,
    "persistentvolumeclaims": _prepare_claim,
    "secrets": _prepare_secret,
    "namespaces": _prepare_namespace,
    "customresourcedefinitions.apiextensions.k8s.io": _prepare_definition,
}


def prepare(storage: str, obj: Object, old: Object | None) -> None:
    """Fill in what the server decides for an object of a built-in kind."""
    prepare_kind = _PREPARE.get(storage)
    if prepare_kind is not None:
        prepare_kind(obj, old)


def _required(path: str) -> Cause:
    return Cause(path, "Required value", "FieldValueRequired")


def _forbidden(path: str, why: str) -> Cause:
    return Cause(path, f"Forbidden: {why}", "FieldValueForbidden")


def _check_pod(pod: Object, old: Object | None) -> Iterator[Cause]:
    spec = pod.get("spec") or {}
    containers = spec.get("containers") or []
    if not containers:
        yield _required("spec.containers")
    names: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            path = f"spec.{field}[{index}]"
            for key in ("name", "image"):
                if not container.get(key):
                    yield _required(f"{path}.{key}")
            if container.get("name") in names:
                yield Cause(
                    f"{path}.name", f"Duplicate value: {shown(container['name'])}", "FieldValueDuplicate"
                )
            names.add(container.get("name"))
    if old is not None and _fixed_part(spec) != _fixed_part(old["spec"]):
        mutable = "containers[*].image, initContainers[*].image, activeDeadlineSeconds and tolerations"
        yield _forbidden("spec", f"an update of a pod may change only {mutable}")


def _fixed_part(spec: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {k: v for k, v in spec.items() if k not in ("activeDeadlineSeconds", "tolerations")}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [{k: v for k, v in c.items() if k != "image"} for c in fixed[field]]
    return fixed


def _check_claim(claim: Object, old: Object | None) -> Iterator[Cause]:
    spec = claim.get("spec") or {}
    if not spec.get("accessModes"):
        yield _required("spec.accessModes")
    if ((spec.get("resources") or {}).get("requests") or {}).get("storage") is None:
        yield _required("spec.resources[storage]")
    if old is not None:
        before = {k: v for k, v in old["spec"].items() if k != "resources"}
        if before != {k: v for k, v in spec.items() if k != "resources"}:
            yield _forbidden("spec", "spec is immutable after creation except resources.requests")


def _check_data(obj: Object, old: Object | None) -> Iterator[Cause]:
    for field in ("data", "binaryData") if obj["kind"] == "ConfigMap" else ("data",):
        for key, value in (obj.get(field) or {}).items():
            if field == "data" and obj["kind"] == "ConfigMap":
                continue
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError, TypeError):
                yield Cause(f"{field}[{key}]", "Invalid value: must be base64")
    if old is None:
        return
    if old.get("immutable") and any(obj.get(f) != old.get(f) for f in ("data", "binaryData", "immutable")):
        yield _forbidden("data", "field is immutable when `immutable` is set")
    if obj.get("type") != old.get("type"):
        yield Cause("type", f"Invalid value: {shown(obj.get('type'))}: field is immutable")


def _check_definition(definition: Object, old: Object | None) -> Iterator[Cause]:
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    for field, present in (
        ("spec.group", spec.get("group")),
        ("spec.names.plural", names.get("plural")),
        ("spec.names.kind", names.get("kind")),
        ("spec.versions", spec.get("versions")),
    ):
        if not present:
            yield _required(field)
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if definition["metadata"].get("name") != wanted:
        rule = f'must be spec.names.plural+"."+spec.group, {shown(wanted)}'
        yield Cause("metadata.name", f"Invalid value: {shown(definition['metadata'].get('name'))}: {rule}")
    for index, version in enumerate(spec.get("versions") or ()):
        if not isinstance(version, dict) or not version.get("name"):
            yield _required(f"spec.versions[{index}].name")


_CHECK: Mapping[str, Callable[[Object, Object | None], Iterator[Cause]]] = {
    "pods": _check_pod,
    "persistentvolumeclaims": _check_claim,
    "secrets": _check_data,
    "configmaps": _check_data,
    "customresourcedefinitions.apiextensions.k8s.io": _check_definition,
}


def check(storage: str, obj: Object, old: Object | None) -> list[Cause]:
    """The rules of a built-in kind that an object breaks, beyond its schema."""
    check_kind = _CHECK.get(storage)
    return list(check_kind(obj, old)) if check_kind is not None else []
