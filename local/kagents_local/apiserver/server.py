"""The API server: one handler that authenticates, authorises, and hands each request to who answers it."""

import asyncio
import logging
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from aiohttp import web

from kagents_core.api.crd import crds
from kagents_local.apiserver import bodies, discovery, openapi, responses, reviews, subresources
from kagents_local.apiserver.authentication import Authentication, Identity
from kagents_local.apiserver.authorization import allowed, refusal
from kagents_local.apiserver.builtin_kinds import BUILTIN_KINDS
from kagents_local.apiserver.customrules import broken
from kagents_local.apiserver.deletion import Deletion
from kagents_local.apiserver.entries import Entry
from kagents_local.apiserver.errors import RefusalError, forbidden, not_allowed, unknown_path
from kagents_local.apiserver.events import forget_old
from kagents_local.apiserver.kinds import Kind, KindTable, kinds_of_definition
from kagents_local.apiserver.reading import Reading
from kagents_local.apiserver.registry import Registry
from kagents_local.apiserver.requests import Target, parse_path
from kagents_local.apiserver.service_tokens import ServiceTokens
from kagents_local.apiserver.store import Store
from kagents_local.apiserver.token_requests import TokenRequests
from kagents_local.apiserver.writeoptions import WriteOptions
from kagents_local.apiserver.writing import Writing
from kagents_local.pod_access import PodAccess

KUBERNETES_MINOR: Final = 36
"""The release whose behaviour is followed; clients choose their ways by it."""

OPEN_PATHS: Final = ("/livez", "/readyz", "/healthz", "/version")
HOSTS: Final = re.compile(
    r"(127\.0\.0\.1|localhost|\[::1\]|kubernetes\.default\.svc)(:[0-9]{1,5})?", re.IGNORECASE
)
"""Names under which the server may be addressed; its certificate has the same."""

MANAGER: Final = "kagents-engine"
DEFINITIONS: Final = "customresourcedefinitions.apiextensions.k8s.io"

log = logging.getLogger(__name__)


class ApiServer:
    """Serves a store. ``handle`` is an aiohttp handler; the caller owns socket, TLS and store."""

    def __init__(
        self,
        store: Store,
        *,
        tokens: Mapping[str, Identity],
        key: bytes,
        pod_access: PodAccess,
    ) -> None:
        self._store = store
        self._access = pod_access
        self._kinds = KindTable(BUILTIN_KINDS)
        self._deletion = Deletion(store)
        self._registry = Registry(store, self._deletion, broken)
        self._reading = Reading(store)
        self._writing = Writing(store, self._registry, self._deletion, self._reading)
        self._service_tokens = ServiceTokens(key)
        self._token_requests = TokenRequests(store, self._service_tokens)
        self.issue_token = self._token_requests.issue
        self._authentication = Authentication(tokens, self._service_tokens, self._pod_exists)
        self._openapi = openapi.Documents(self._kinds, self._registry.schema)
        self._seed()

    def _pod_exists(self, uid: str, namespace: str) -> bool:
        entry = self._store.find(uid)
        return entry is not None and entry.storage == "pods" and entry.namespace == namespace

    # -- what is there from the start ------------------------------------------------------------------------

    def _seed(self) -> None:
        """The namespaces every cluster has, and the definitions of this release in place of older ones."""
        for namespace in ("default", "kube-system"):
            if self._store.get("namespaces", "", namespace) is None:
                self._create(
                    "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
                )
        for definition in crds():
            name = definition["metadata"]["name"]
            entry = self._store.get(DEFINITIONS, "", name)
            if entry is None:
                self._create(DEFINITIONS, definition)
            elif entry.object().get("spec") != definition["spec"]:
                self._replace_definition(entry, definition)
        for entry in self._store.list(DEFINITIONS):
            self._serve_definition(entry)
        self._deletion.collect_all()

    def _create(self, storage: str, obj: Mapping[str, Any]) -> None:
        kind = self._kinds.by_storage(storage)
        assert kind is not None
        self._registry.create(kind, "", dict(obj), WriteOptions(MANAGER, field_validation="Ignore"))

    def _replace_definition(self, entry: Entry, definition: Mapping[str, Any]) -> None:
        obj = entry.object()
        obj["spec"] = definition["spec"]
        self._store.write(DEFINITIONS, obj)

    def _serve_definition(self, entry: Entry) -> None:
        for kind in kinds_of_definition(entry.object()):
            self._kinds.add(kind)
        self._openapi.forget()

    # -- requests --------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a refusal is a ``Status``, a fault of the server is logged and says no more
        than 500."""
        try:
            return await self._answer(request)
        except RefusalError as refused:
            return responses.refused(refused)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except TimeoutError:
            raise
        except Exception:
            log.exception("request failed", extra={"method": request.method, "path": request.path})
            return responses.refused(
                RefusalError(500, "InternalError", "the engine failed; its log says how")
            )

    def stop_watches(self) -> None:
        """End every watch, so that open requests do not hold up the end of the server."""
        self._store.hub.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        check_host(request)
        if path in OPEN_PATHS or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            return responses.document(_version()) if path == "/version" else responses.plain("ok")
        identity = self._authentication.identify(request.headers.get("Authorization", ""))
        if "Impersonate-User" in request.headers:
            raise forbidden(f'User "{identity.user}" cannot impersonate: the engine has no other users')
        fixed = self._fixed(request, path)
        if fixed is not None:
            return fixed
        query = request.query
        target = parse_path(request.method, request.rel_url.raw_path, query)
        kind = self._kinds.find(target.group, target.version, target.plural)
        if kind is None or (target.namespace and not kind.namespaced):
            raise unknown_path()
        if not allowed(identity, target):
            raise forbidden(refusal(identity, target), target.plural, target.group, target.name)
        if not kind.stored:
            return await self._review(request, kind, identity)
        if target.subresource in kind.subresources:
            return await self._subresource(request, target)
        return await self._object(request, kind, target)

    def _fixed(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """Discovery, OpenAPI and the keys of tokens: what does not depend on stored objects."""
        keys = self._service_tokens.published(path, f"https://{request.host}")
        if keys is not None:
            return responses.document(keys)
        accept = request.headers.get("Accept", "")
        document = self._discovery(path.rstrip("/"), accept)
        if document is not None:
            aggregated = discovery.wants_aggregated(accept) and path.rstrip("/") in ("/api", "/apis")
            media = discovery.AGGREGATED if aggregated else responses.JSON
            return _cached(
                request, responses.document(document, content_type=media), discovery.etag(document)
            )
        if path.startswith("/openapi/"):
            found = self._openapi.find(path, accept)
            if found is None:
                raise unknown_path()
            body, media, tag = found
            return _cached(request, responses.raw(body, content_type=media), tag)
        return None

    def _discovery(self, path: str, accept: str) -> dict[str, Any] | None:
        parts = path.strip("/").split("/")
        if path in ("/api", "/apis"):
            core = path == "/api"
            if discovery.wants_aggregated(accept):
                return discovery.aggregated(self._kinds, core=core)
            return discovery.api_versions() if core else discovery.group_list(self._kinds)
        if parts[0] == "api" and len(parts) == 2:
            return discovery.resource_list(self._kinds, "", parts[1])
        if parts[0] == "apis" and len(parts) == 2 and parts[1] in self._kinds.group_versions():
            group = discovery.group_document(parts[1], self._kinds.group_versions()[parts[1]])
            return {"kind": "APIGroup", "apiVersion": "v1", **group}
        if parts[0] == "apis" and len(parts) == 3:
            return discovery.resource_list(self._kinds, parts[1], parts[2])
        return None

    async def _review(self, request: web.BaseRequest, kind: Kind, identity: Identity) -> web.Response:
        if request.method != "POST":
            raise not_allowed()
        review = bodies.parse_object(await bodies.read(request), bodies.media_type(request))
        return responses.document(reviews.answer(kind.kind, review, identity), status=201)

    async def _subresource(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        if target.subresource == "token" and request.method == "POST":
            wanted = bodies.parse_object(await bodies.read(request), bodies.media_type(request))
            return responses.document(self._token_requests.answer(target, wanted), status=201)
        if target.subresource == "exec" and request.method in ("GET", "POST"):
            return await subresources.execute(request, self._access, target, request.query)
        if target.subresource == "log" and request.method == "GET":
            return await subresources.log(request, self._access, target, request.query)
        raise not_allowed()

    async def _object(self, request: web.BaseRequest, kind: Kind, target: Target) -> web.StreamResponse:
        if target.subresource and not (target.subresource == "status" and kind.has_status):
            raise unknown_path()
        query, accept = request.query, request.headers.get("Accept", "")
        if target.verb == "get":
            return self._reading.get(kind, target, query, accept)
        if target.verb == "list":
            return self._reading.list(kind, target, query, accept)
        if target.verb == "watch":
            return await self._reading.watch(request, kind, target, query, accept)
        answer = await self._write(request, kind, target, query)
        if kind.storage == DEFINITIONS:
            self._definitions_changed()
        elif kind.storage == "events":
            forget_old(self._store)
        return answer

    async def _write(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        if target.subresource and target.verb not in ("update", "patch"):
            raise not_allowed()
        if target.verb == "create":
            return await self._writing.create(request, kind, target, query)
        if target.verb == "update":
            return await self._writing.update(request, kind, target, query)
        if target.verb == "patch":
            return await self._writing.patch(request, kind, target, query)
        if target.verb == "delete":
            return await self._writing.delete(request, kind, target, query)
        return await self._writing.delete_collection(request, kind, target, query)

    def _definitions_changed(self) -> None:
        """Serve what is defined now, and nothing that no longer is."""
        defined = {
            (k.group, k.plural)
            for e in self._store.list(DEFINITIONS)
            for k in kinds_of_definition(e.object())
        }
        for kind in self._kinds.all():
            if kind.custom and (kind.group, kind.plural) not in defined:
                self._kinds.remove(kind.group, kind.plural)
        for entry in self._store.list(DEFINITIONS):
            self._serve_definition(entry)


def check_host(request: web.BaseRequest) -> None:
    """Refuse (403) a request that names another host: a web page that made its own name point here sent
    it."""
    host = request.headers.get("Host", "")
    if not HOSTS.fullmatch(host):
        raise forbidden(f"the engine is not called {host[:100]!r}")


def _version() -> dict[str, str]:
    return {
        "major": "1",
        "minor": str(KUBERNETES_MINOR),
        "gitVersion": f"v1.{KUBERNETES_MINOR}.0+kagents.{version('kagents')}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


def _cached(request: web.BaseRequest, response: web.Response, tag: str) -> web.Response:
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    response.headers["Vary"] = "Accept"
    return response
