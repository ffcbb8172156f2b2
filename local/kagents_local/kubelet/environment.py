"""A container's variables from ``env`` and ``envFrom``, once the objects they name are known."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kagents_local.kubelet.expand import expand
from kagents_local.kubelet.settings import NODE_NAME

Object = Mapping[str, Any]

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


class VariableError(Exception):
    """A variable cannot be made; the sentence becomes the container's CreateContainerConfigError."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Decoded data of the Secrets and ConfigMaps that a pod's variables name; absent objects are left out."""

    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


def named_sources(container: Object) -> tuple[set[str], set[str]]:
    """Names of the Secrets and of the ConfigMaps that a container's variables need."""
    secrets: set[str] = set()
    config_maps: set[str] = set()
    for entry in container.get("envFrom") or ():
        if reference := entry.get("secretRef"):
            secrets.add(reference["name"])
        if reference := entry.get("configMapRef"):
            config_maps.add(reference["name"])
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        if reference := source.get("secretKeyRef"):
            secrets.add(reference["name"])
        if reference := source.get("configMapKeyRef"):
            config_maps.add(reference["name"])
    return secrets, config_maps


def variables(pod: Object, container: Object, sources: Sources) -> dict[str, str]:
    """The container's own variables in order; later ones win and may refer to earlier ones by ``$(NAME)``.

    Raises VariableError for a missing object or key that is not optional, and for an unknown kind of source.
    """
    result: dict[str, str] = {}
    for entry in container.get("envFrom") or ():
        result |= _whole_object(entry, sources)
    for entry in container.get("env") or ():
        value = _value(pod, entry, sources, result)
        if value is not None:
            result[entry["name"]] = value
    return result


def _value(pod: Object, entry: Object, sources: Sources, earlier: Mapping[str, str]) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value") or "", earlier)
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"])
    if "secretKeyRef" in source:
        return _key(source["secretKeyRef"], sources.secrets, "secret", _namespace(pod))
    if "configMapKeyRef" in source:
        return _key(source["configMapKeyRef"], sources.config_maps, "configmap", _namespace(pod))
    raise VariableError(f'variable {entry["name"]}: the embedded engine has no source "{next(iter(source))}"')


def _whole_object(entry: Object, sources: Sources) -> dict[str, str]:
    prefix = entry.get("prefix") or ""
    if reference := entry.get("secretRef"):
        data, kind = sources.secrets.get(reference["name"]), "secret"
    else:
        reference = entry.get("configMapRef") or {}
        data, kind = sources.config_maps.get(reference.get("name", "")), "configmap"
    if data is None:
        if reference.get("optional"):
            return {}
        raise VariableError(f'{kind} "{reference.get("name", "")}" not found')
    return {prefix + key: _text(value) for key, value in data.items() if _NAME.fullmatch(prefix + key)}


def _key(
    reference: Object, objects: Mapping[str, Mapping[str, bytes]], kind: str, namespace: str
) -> str | None:
    name, key = reference["name"], reference["key"]
    data = objects.get(name)
    if data is not None and key in data:
        return _text(data[key])
    if reference.get("optional"):
        return None
    if data is None:
        raise VariableError(f'{kind} "{name}" not found')
    shown = "Secret" if kind == "secret" else "ConfigMap"
    raise VariableError(f"couldn't find key {key} in {shown} {namespace}/{name}")


def _text(value: bytes) -> str:
    # A NUL cannot stand in a process's environment; bytes that are no UTF-8 pass through unchanged.
    if b"\0" in value:
        raise VariableError("a variable's value holds a NUL byte, which no process can be given")
    return value.decode("utf-8", "surrogateescape")


def _namespace(pod: Object) -> str:
    namespace: str = pod["metadata"]["namespace"]
    return namespace


_FIELDS: Mapping[str, Callable[[Object], str]] = {
    "metadata.name": lambda pod: pod["metadata"]["name"],
    "metadata.namespace": lambda pod: pod["metadata"]["namespace"],
    "metadata.uid": lambda pod: pod["metadata"]["uid"],
    "spec.nodeName": lambda pod: pod["spec"].get("nodeName") or NODE_NAME,
    "spec.serviceAccountName": lambda pod: service_account(pod),
    "status.hostIP": lambda pod: "127.0.0.1",
    "status.podIP": lambda pod: "127.0.0.1",
    "metadata.labels": lambda pod: _lines(pod["metadata"].get("labels")),
    "metadata.annotations": lambda pod: _lines(pod["metadata"].get("annotations")),
}

_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def field_value(pod: Object, path: str) -> str:
    """What a downward API path says of this pod; raises VariableError for an unknown path."""
    if match := _KEYED.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in _FIELDS:
        return _FIELDS[path](pod)
    raise VariableError(f'the embedded engine knows no field "{path}" of a pod')


def service_account(pod: Object) -> str:
    return str(pod["spec"].get("serviceAccountName") or "default")


def _lines(pairs: Mapping[str, str] | None) -> str:
    quoted = (f'{key}="{_escaped(value)}"' for key, value in sorted((pairs or {}).items()))
    return "\n".join(quoted)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
