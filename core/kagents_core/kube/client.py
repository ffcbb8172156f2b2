"""The verbs of the Kubernetes API that kagents uses, on plain dicts. Every call may raise ApiError."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from kagents_core.api.resources import Resource
from kagents_core.kube.config import ClientConfig
from kagents_core.kube.errors import ApiError
from kagents_core.kube.exec import PROTOCOLS, ExecStream
from kagents_core.kube.paging import ObjectList, read_pages
from kagents_core.kube.transport import CONNECTIONS, Query, Transport
from kagents_core.kube.watch import WatchEvent, read_events

Object = dict[str, Any]

WATCH_SILENCE_SECONDS = 75.0
"""A watch that is silent for longer is dead: bookmarks come about once a minute."""

_LIST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the current user may do something, and the server's reason."""

    allowed: bool
    reason: str


class Client:
    """One API server, spoken to through one HTTP session. Use it as an async context manager.

    ``connections`` are open at most at once; every watch, log and exec holds one of them.
    """

    def __init__(self, config: ClientConfig, *, connections: int = CONNECTIONS) -> None:
        self.config = config
        self._transport = Transport(config, connections)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """One object."""
        return await self._object("GET", path_of(resource, namespace, name))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        limit: int = 500,
    ) -> ObjectList:
        """All objects, in one namespace or everywhere; fetched in pages of ``limit``."""
        items: list[Object] = []
        version = ""
        async for page in self.pages(resource, namespace, labels=labels, fields=fields, limit=limit):
            items.extend(page.items)
            version = page.resource_version
        return ObjectList(items, version)

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        limit: int = 500,
    ) -> AsyncGenerator[ObjectList]:
        """The pages of a list, each asked for while the caller looks at the one before; no managedFields.

        Raises Gone when the list outlived the server's memory of it: start again.
        """
        path = path_of(resource, namespace)

        def ask(token: str) -> Coroutine[Any, Any, Object]:
            query = _query(
                labelSelector=labels, fieldSelector=fields, limit=str(limit), **{"continue": token}
            )
            return self._object("GET", path, query=query, seconds=_LIST_SECONDS, lean=True)

        async with aclosing(read_pages(resource, ask)) as pages:
            async for page in pages:
                yield page

    async def create(
        self,
        resource: Resource,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        manager: str | None = None,
    ) -> Object:
        """Create an object; unknown fields are refused by the server. Raises AlreadyExists."""
        query = _query(fieldManager=manager, fieldValidation="Strict")
        return await self._object("POST", path_of(resource, namespace), query=query, body=body)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_seconds: int | None = None,
        propagation: Literal["Background", "Foreground", "Orphan"] | None = None,
    ) -> None:
        """Delete an object, only if it still has that uid and version: another one raises Conflict."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        conditions = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in conditions.items() if value is not None}
        if preconditions:
            options["preconditions"] = preconditions
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if propagation is not None:
            options["propagationPolicy"] = propagation
        await self._transport.request("DELETE", path_of(resource, namespace, name), body=options)

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        manager: str,
        force: bool = True,
        subresource: str | None = None,
    ) -> Object:
        """Server-side apply: ``body`` is everything this manager wants, fields it left out are given up."""
        query = [("fieldManager", manager), ("force", str(force).lower()), ("fieldValidation", "Strict")]
        path = path_of(resource, namespace, name, subresource)
        return await self._object(
            "PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml"
        )

    async def patch_merge(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str | None = None,
        field_validation: Literal["Strict", "Warn", "Ignore"] = "Strict",
    ) -> Object:
        """JSON merge patch; a uid or resourceVersion in its metadata is a precondition (Conflict)."""
        query = [("fieldValidation", field_validation)]
        path = path_of(resource, namespace, name, subresource)
        return await self._object(
            "PATCH", path, query=query, body=patch, content_type="application/merge-patch+json"
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        labels: str | None = None,
        fields: str | None = None,
        timeout_seconds: int | None = None,
        on_open: Callable[[], None] | None = None,
    ) -> AsyncGenerator[WatchEvent]:
        """Changes after ``resource_version`` until the server ends it; ``on_open`` hears that it stands.

        Raises Gone when the version is too old, Unreachable when the connection breaks or falls silent.
        """
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=labels,
            fieldSelector=fields,
            timeoutSeconds=None if timeout_seconds is None else str(timeout_seconds),
        )
        path = path_of(resource, namespace)
        async with self._transport.stream(path, query=query, read_seconds=WATCH_SILENCE_SECONDS) as chunks:
            if on_open is not None:
                on_open()
            async for event in read_events(chunks):
                yield event

    async def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool = False,
        tail: int | None = None,
        since_seconds: int | None = None,
        timestamps: bool = False,
        previous: bool = False,
    ) -> AsyncGenerator[bytes]:
        """A container's output in chunks (not lines); with ``follow`` until the container ends."""
        query = _query(
            container=container,
            follow="true" if follow else None,
            tailLines=None if tail is None else str(tail),
            sinceSeconds=None if since_seconds is None else str(since_seconds),
            timestamps="true" if timestamps else None,
            previous="true" if previous else None,
        )
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        silence = None if follow else WATCH_SILENCE_SECONDS
        async with self._transport.stream(path, query=query, read_seconds=silence) as chunks:
            async for chunk in chunks:
                yield chunk

    async def exec(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        container: str,
        stdin: bool = False,
        tty: bool = False,
    ) -> ExecStream:
        """A command in a container; the stream connects when it is entered with ``async with``."""
        flags = [("stdin", stdin), ("stdout", True), ("stderr", not tty), ("tty", tty)]
        query = [("container", container), *((name, "true") for name, on in flags if on)]
        query += [("command", part) for part in command]
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
        return ExecStream(self._transport.websocket(path, query=query, protocols=PROTOCOLS))

    async def can_i(
        self, verb: str, resource: Resource, namespace: str | None, subresource: str | None = None
    ) -> Permission:
        """Whether the current user may ``verb`` the resource (SelfSubjectAccessReview)."""
        attributes = {
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
        }
        if namespace:
            attributes["namespace"] = namespace
        if subresource:
            attributes["subresource"] = subresource
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status = (await self._object("POST", path, body=body)).get("status") or {}
        return Permission(bool(status.get("allowed")), str(status.get("reason") or ""))

    async def user_name(self) -> str:
        """The name under which the server knows the caller (SelfSubjectReview, Kubernetes 1.28)."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        status = (await self._object("POST", path, body=body)).get("status") or {}
        return str((status.get("userInfo") or {}).get("username") or "")

    async def server_version(self) -> str:
        """The server's ``gitVersion``: the cheapest way to see that it answers."""
        return str((await self._object("GET", "/version", seconds=10.0)).get("gitVersion", ""))

    async def openapi(self, resource: Resource) -> Object:
        """The server's OpenAPI document of the resource's group and version."""
        return await self._object("GET", f"/openapi/v3{resource.root}", seconds=_LIST_SECONDS)

    async def _object(self, method: str, path: str, *, query: Query = (), **options: Any) -> Object:
        answer = await self._transport.request(method, path, query=query, **options)
        if not isinstance(answer, dict):
            raise ApiError(200, "NotObject", f"{method} {path}: the answer is not a Kubernetes object")
        return answer


def path_of(
    resource: Resource, namespace: str | None = None, name: str | None = None, subresource: str | None = None
) -> str:
    """The URL path of a collection, an object or a subresource; each part is percent-encoded."""
    parts = [resource.root]
    if resource.namespaced and namespace is not None:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    parts += [quote(part, safe="") for part in (name, subresource) if part is not None]
    return "/".join(parts)


def _query(**parameters: str | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters.items() if value]
