"""OpenAPI documents, as far as kubectl wants them: ``explain``, and the proof that the server validates
fields itself.

Version 3 has one document a group and version. Version 2 holds the built-in kinds' merge keys for older
clients.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from kagents_local.apiserver.kinds import Kind, KindTable
from kagents_local.apiserver.responses import JSON

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_EMPTY_VERSION_TWO: Final = b"\x0a\x032.0\x12\x13\x0a\x0aKubernetes\x12\x05v1.36"
"""A version 2 document without kinds: field 1 the version, field 2 title and version. Old clients read only
protobuf, and leave the checking of fields to the server for kinds that are not in it."""

KIND_KEY: Final = "x-kubernetes-group-version-kind"
_INFO: Final = {"title": "Kubernetes", "version": "v1.36.0"}

Found = tuple[bytes, str, str]
"""Body, media type, entity tag."""


class Documents:
    """Made when asked for, kept until a definition changes."""

    def __init__(self, kinds: KindTable, schema: Callable[[Kind], Mapping[str, Any]]) -> None:
        self._kinds = kinds
        self._schema = schema
        self._made: dict[str, Found] = {}

    def forget(self) -> None:
        """A kind was added, changed or removed."""
        self._made.clear()

    def find(self, path: str, accept: str) -> Found | None:
        """The document at a path, or None."""
        if path == "/openapi/v2" and "protobuf" in accept and JSON not in accept:
            return _EMPTY_VERSION_TWO, PROTOBUF, '"empty"'
        if path not in self._made:
            document = self._make(path.removeprefix("/openapi/"))
            if document is None:
                return None
            body = orjson.dumps(document)
            self._made[path] = (body, JSON, f'"{hashlib.sha256(body).hexdigest().upper()[:32]}"')
        return self._made[path]

    def _make(self, rest: str) -> dict[str, Any] | None:
        if rest == "v2":
            return self._version_two()
        if rest == "v3":
            return {
                "paths": {
                    self._place(g, v): {"serverRelativeURL": f"/openapi/v3/{self._place(g, v)}"}
                    for g, v in self._pairs()
                }
            }
        for group, version in self._pairs():
            if rest == f"v3/{self._place(group, version)}":
                return self._version_three(group, version)
        return None

    def _pairs(self) -> list[tuple[str, str]]:
        return [
            (group, version)
            for group, versions in self._kinds.group_versions().items()
            for version in versions
        ]

    @staticmethod
    def _place(group: str, version: str) -> str:
        return f"apis/{group}/{version}" if group else f"api/{version}"

    def _served(self, group: str, version: str) -> list[Kind]:
        return [kind for kind in self._kinds.all() if (kind.group, kind.version) == (group, version)]

    def _version_three(self, group: str, version: str) -> dict[str, Any]:
        kinds = self._served(group, version)
        schemas = {_name(kind): _described(kind, self._schema(kind)) for kind in kinds}
        paths: dict[str, Any] = {}
        for kind in kinds:
            reference = {"$ref": f"#/components/schemas/{_name(kind)}"}
            paths |= _paths(kind, f"/{self._place(group, version)}", reference)
        return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}

    def _version_two(self) -> dict[str, Any]:
        kinds = self._kinds.all()
        definitions = {_name(kind): _described(kind, self._schema(kind)) for kind in kinds}
        return {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": definitions}


def _name(kind: Kind) -> str:
    group = ".".join(reversed(kind.group.split("."))) if kind.group else "io.k8s.api.core"
    return f"{group}.{kind.version}.{kind.kind}"


def _gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _described(kind: Kind, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, KIND_KEY: [_gvk(kind)]}


def _paths(kind: Kind, root: str, reference: Mapping[str, Any]) -> dict[str, Any]:
    """The two paths of a kind, with the parameters that clients look for."""
    answer = {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}}
    where = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    writing = [_parameter(name) for name in ("dryRun", "fieldManager", "fieldValidation")]

    def operation(action: str, *, writes: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"responses": answer, "x-kubernetes-action": action, KIND_KEY: _gvk(kind)}
        return {**made, "parameters": writing} if writes else made

    collection = {"get": operation("list", writes=False), "post": operation("post", writes=True)}
    item = {
        "get": operation("get", writes=False),
        "put": operation("put", writes=True),
        "patch": operation("patch", writes=True),
        "delete": operation("delete", writes=False),
    }
    return {where: collection, f"{where}/{{name}}": item}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
