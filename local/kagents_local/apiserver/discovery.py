"""Discovery: which groups, versions and kinds are served, in the plain and in the aggregated form."""

import hashlib
from typing import Any

import orjson

from kagents_local.apiserver.kinds import Kind, KindTable

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def wants_aggregated(accept: str) -> bool:
    """Whether the client asks first for aggregated discovery."""
    first = accept.partition(",")[0].replace(" ", "")
    return "as=APIGroupDiscoveryList" in first and "v=v2;" in first + ";"


def api_versions() -> dict[str, Any]:
    """``/api``."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_document(group: str, versions: list[str]) -> dict[str, Any]:
    """One entry of ``/apis``."""
    entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": entries, "preferredVersion": entries[0]}


def group_list(kinds: KindTable) -> dict[str, Any]:
    """``/apis``."""
    groups = [group_document(g, versions) for g, versions in kinds.group_versions().items() if g]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def resource_list(kinds: KindTable, group: str, version: str) -> dict[str, Any] | None:
    """``/api/v1`` or ``/apis/<group>/<version>``; None when nothing of it is served."""
    served = [kind for kind in kinds.all() if kind.group == group and kind.version == version]
    if not served:
        return None
    group_version = f"{group}/{version}" if group else version
    resources = [resource for kind in served for resource in _resources(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }


def _resources(kind: Kind) -> list[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    if kind.categories:
        main["categories"] = list(kind.categories)
    if kind.stored:
        main["storageVersionHash"] = hashlib.sha256(kind.storage.encode()).hexdigest()[:12]
    subresources = [
        {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": response,
            "verbs": verbs,
        }
        for name, response, verbs in _subresources(kind)
    ]
    return [main, *subresources]


def _subresources(kind: Kind) -> list[tuple[str, str, list[str]]]:
    found = [("status", kind.kind, ["get", "patch", "update"])] if kind.has_status else []
    if "exec" in kind.subresources:
        found.append(("exec", "PodExecOptions", ["create", "get"]))
    if "log" in kind.subresources:
        found.append(("log", "Pod", ["get"]))
    if "token" in kind.subresources:
        found.append(("token", "TokenRequest", ["create"]))
    return found


def aggregated(kinds: KindTable, *, core: bool) -> dict[str, Any]:
    """The aggregated form of ``/api`` (core) or ``/apis``."""
    items = []
    for group, versions in kinds.group_versions().items():
        if bool(group) == core:
            continue
        items.append(
            {
                "metadata": {"name": group, "creationTimestamp": None}
                if group
                else {"creationTimestamp": None},
                "versions": [_aggregated_version(kinds, group, version) for version in versions],
            }
        )
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(kinds: KindTable, group: str, version: str) -> dict[str, Any]:
    served = [kind for kind in kinds.all() if kind.group == group and kind.version == version]
    return {
        "version": version,
        "freshness": "Current",
        "resources": [_aggregated_resource(kind) for kind in served],
    }


def _aggregated_resource(kind: Kind) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    if kind.categories:
        resource["categories"] = list(kind.categories)
    subresources = [
        {
            "subresource": name,
            "responseKind": {"group": kind.group, "version": kind.version, "kind": response},
            "verbs": verbs,
        }
        for name, response, verbs in _subresources(kind)
    ]
    if subresources:
        resource["subresources"] = subresources
    return resource


def etag(document: dict[str, Any]) -> str:
    """A strong validator of a document."""
    return f'"{hashlib.sha256(orjson.dumps(document)).hexdigest().upper()[:32]}"'
