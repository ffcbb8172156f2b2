"""A tiny API server in memory, with faults on demand, to test the reflector and the controller against."""

import asyncio
import copy
import itertools
import json
from collections import Counter
from typing import Any, Self

from aiohttp import WSMsgType, web

from kagents_core.kube.config import ClientConfig

Object = dict[str, Any]


def _creates(method: str, body: Any) -> bool:
    """Whether a request makes an object: its path is that of the collection."""
    return method == "POST" and "metadata" in (body or ())


def merge(target: Object, patch: Object) -> Object:
    """JSON merge patch (RFC 7386)."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = merge(dict(target.get(key) or {}), value)
        else:
            target[key] = value
    return target


class ModelServer:
    """Objects by path, one version counter, a history for watches that can be compacted."""

    def __init__(self, token: str | None = None) -> None:
        self.objects: dict[str, Object] = {}  # "collection/ns/name" style path -> object
        self.history: list[tuple[int, str, str, str, Object]] = []  # version, type, prefix path, name, object
        self.version = 10
        self.compacted = 0
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str, dict[str, str], Any]] = []
        self.faults: list[web.Response | str] = []
        """Answers given instead of the real ones to the next requests; ``"drop"`` cuts the connection."""
        self.refused: dict[str, str] = {}
        """Part of a path -> why writes to it are forbidden."""
        self.absent: tuple[str, ...] = ()
        """Kinds (plural) that this server does not know."""
        self.watches_refused = False
        self.token = token
        self.watchers: set[asyncio.Event] = set()
        self.closing: list[web.StreamResponse] = []
        self.generation = 0
        self.uids = itertools.count(1)
        self.continue_expires = False
        self.answer_delay = 0.0
        """Seconds between a write and its answer: watches hear of it first."""
        self.logs = b""
        self.protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")
        self.applied: dict[tuple[str, str, str], Object] = {}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()
        await self._runner.cleanup()

    @property
    def config(self) -> ClientConfig:
        return ClientConfig(server=f"http://127.0.0.1:{self.port}", token=self.token, context="model")

    # ── changes made by "somebody else" ──────────────────────────────────────────────────────────

    def put(self, path: str, body: Object, *, status: bool = False) -> Object:
        """Create or replace the object at ``path`` (``/api/v1/namespaces/ns/pods/name``)."""
        collection, _, name = path.rpartition("/")
        old = self.objects.get(path)
        body = copy.deepcopy(body)
        metadata = body.setdefault("metadata", {})
        metadata["name"] = name
        parts = collection.split("/")
        if "namespaces" in parts and parts[-1] != "namespaces":
            metadata["namespace"] = parts[parts.index("namespaces") + 1]
        self.version += 1
        metadata["uid"] = old["metadata"]["uid"] if old else f"uid-{next(self.uids)}"
        generation = old["metadata"].get("generation", 1) if old else 1
        changed = old is not None and not status and old.get("spec") != body.get("spec")
        metadata["generation"] = generation + changed
        metadata["resourceVersion"] = str(self.version)
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        metadata["managedFields"] = [{"manager": "someone"}]
        self.objects[path] = body
        self._record("MODIFIED" if old else "ADDED", path, body)
        return body

    def remove(self, path: str) -> None:
        body = copy.deepcopy(self.objects.pop(path))
        self.applied = {key: value for key, value in self.applied.items() if key[0] != path}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self._record("DELETED", path, body)

    def _record(self, kind: str, path: str, body: Object) -> None:
        self.history.append((self.version, kind, path, body["metadata"]["name"], copy.deepcopy(body)))
        for watcher in self.watchers:
            watcher.set()

    def compact(self) -> None:
        """Forget the history: watches from before now get 410."""
        self.compacted = self.version
        self.history.clear()

    def hang_up(self) -> None:
        """Break every open watch."""
        self.generation += 1
        for response in self.closing:
            if response._req is not None and response._req.transport is not None:
                response._req.transport.abort()
        self.closing.clear()
        for watcher in self.watchers:
            watcher.set()

    # ── requests ─────────────────────────────────────────────────────────────────────────────────

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        verb = "WATCH" if request.query.get("watch") else request.method
        self.requests[verb] += 1
        body = json.loads(await request.read() or b"null")
        self.log.append((verb, path, dict(request.query), body))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return refuse(401, "Unauthorized", "Unauthorized")
        if verb == "WATCH" and self.watches_refused:
            return refuse(403, "Forbidden", "watches are forbidden")
        if self.faults:
            fault = self.faults.pop(0)
            if fault == "drop":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            assert isinstance(fault, web.Response)
            return fault
        target = f"{path}/{body['metadata'].get('name', '')}" if _creates(request.method, body) else path
        for part, reason in self.refused.items():
            if part in target and request.method in ("POST", "PATCH"):
                return refuse(403, "Forbidden", reason)
        if any(plural in path.split("/") for plural in self.absent):
            return refuse(404, "NotFound", "the server could not find the requested resource")
        if path.endswith("/log"):
            return web.Response(body=self.logs)
        if path.endswith("/exec"):
            return await self._exec(request)
        if path.endswith("selfsubjectaccessreviews"):
            verb = body["spec"]["resourceAttributes"]["verb"]
            return web.json_response({"status": {"allowed": verb != "delete", "reason": f"rule for {verb}"}})
        if path == "/version":
            return web.json_response({"gitVersion": "v1.0-model"})
        if verb == "WATCH":
            return await self._watch(request)
        if path in self.objects or request.method in ("DELETE", "PATCH"):
            answer = self._one(request, path, body)
            await asyncio.sleep(self.answer_delay)
            return answer
        if request.method == "POST":
            answer = self._create(path, body)
            await asyncio.sleep(self.answer_delay)
            return answer
        if (
            path.rsplit("/", 1)[-1].islower()
            and len(path.split("/")) in (4, 5, 6, 7)
            and not self._object_path(path)
        ):
            return self._list(request)
        return refuse(404, "NotFound", f"{path} not found")

    @staticmethod
    def _object_path(path: str) -> bool:
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        return len(rest) in (2, 4)

    def _matching(self, path: str, labels: str | None) -> list[Object]:
        found = []
        plural = path.rsplit("/", 1)[-1]
        root = path[: path.index("/namespaces/")] if "/namespaces/" in path else path.rsplit("/", 1)[0]
        for key, body in sorted(self.objects.items()):
            if self._selects(path, root, plural, key) and matches(body, labels):
                found.append(body)
        return found

    @staticmethod
    def _selects(path: str, root: str, plural: str, key: str) -> bool:
        collection = key.rsplit("/", 1)[0]
        if "/namespaces/" in path:
            return collection == path
        return collection.startswith(root + "/") and collection.rsplit("/", 1)[-1] == plural

    def _list(self, request: web.Request) -> web.StreamResponse:
        items = self._matching(request.path, request.query.get("labelSelector"))
        limit = int(request.query.get("limit", "500"))
        token = request.query.get("continue")
        if token and self.continue_expires:
            self.continue_expires = False
            return refuse(410, "Expired", "the continue token is too old")
        metadata: Object = {"resourceVersion": str(self.version)}
        if token:
            version, after = token.split("|")
            metadata["resourceVersion"] = version
            items = [item for item in items if item["metadata"]["name"] > after]
        page, rest = items[:limit], items[limit:]
        if rest:
            metadata["continue"] = f"{metadata['resourceVersion']}|{page[-1]['metadata']['name']}"
            metadata["remainingItemCount"] = len(rest)
        return web.json_response({"metadata": metadata, "items": page})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        position = int(request.query["resourceVersion"])
        path, labels = request.path, request.query.get("labelSelector")
        plural = path.rsplit("/", 1)[-1]
        root = path[: path.index("/namespaces/")] if "/namespaces/" in path else path.rsplit("/", 1)[0]
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        self.closing.append(response)
        wake = asyncio.Event()
        self.watchers.add(wake)
        generation = self.generation
        try:
            while generation == self.generation:
                wake.clear()
                if position < self.compacted:
                    await response.write(line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))
                    break
                for version, kind, key, _, body in list(self.history):
                    if version > position:
                        position = version
                        if self._selects(path, root, plural, key) and matches(body, labels):
                            await response.write(line(kind, body))
                await response.write(line("BOOKMARK", {"metadata": {"resourceVersion": str(position)}}))
                await wake.wait()
        finally:
            self.watchers.discard(wake)
        return response

    def _one(self, request: web.Request, path: str, body: Any) -> web.StreamResponse:
        subresource = None
        if path.endswith("/status"):
            path, subresource = path.removesuffix("/status"), "status"
        if request.method == "PATCH":
            return self._patch(request, path, subresource, body)
        if path not in self.objects:
            return refuse(404, "NotFound", f"{path} not found")
        if request.method == "DELETE":
            uid = ((body or {}).get("preconditions") or {}).get("uid")
            if uid is not None and uid != self.objects[path]["metadata"]["uid"]:
                return refuse(409, "Conflict", "the uid in the precondition differs")
            self.remove(path)
            return web.json_response({"kind": "Status", "status": "Success"})
        return web.json_response(self.objects[path])

    def _patch(
        self, request: web.Request, path: str, subresource: str | None, body: Object
    ) -> web.StreamResponse:
        old = self.objects.get(path)
        wanted = (body.get("metadata") or {}).get("uid")
        if old is not None and wanted not in (None, old["metadata"]["uid"]):
            return refuse(409, "Conflict", "the uid differs")
        expected = (body.get("metadata") or {}).get("resourceVersion")
        if old is not None and expected not in (None, old["metadata"]["resourceVersion"]):
            return refuse(409, "Conflict", "the object has been modified")
        if old is None and (subresource or wanted or "apply" not in request.content_type):
            return refuse(
                404 if not wanted else 409, "NotFound" if not wanted else "Conflict", f"{path} not found"
            )
        if "apply" in request.content_type:
            manager = request.query["fieldManager"]
            intent = {"status": body.get("status", {})} if subresource else body
            before = self.applied.get((path, subresource or "", manager), {})
            self.applied[path, subresource or "", manager] = copy.deepcopy(intent)
            new = merge(remove_fields(copy.deepcopy(old or {}), before, intent), copy.deepcopy(intent))
        else:
            new = merge(copy.deepcopy(old or {}), body)
        if old is not None and strip(new) == strip(old):
            return web.json_response(old)
        return web.json_response(
            self.put(path, new, status=subresource == "status"), status=200 if old else 201
        )

    def _create(self, path: str, body: Object) -> web.StreamResponse:
        name = body["metadata"].get("name") or f"{body['metadata']['generateName']}{self.version}"
        if f"{path}/{name}" in self.objects:
            return refuse(409, "AlreadyExists", f"{name} already exists")
        return web.json_response(self.put(f"{path}/{name}", body), status=201)

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        """``echo`` repeats stdin and ends with it; ``exit N`` ends with N; ``hang-up`` cuts the line."""
        if "forbidden" in request.path:
            return refuse(403, "Forbidden", "pods/exec is forbidden: no rule")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return refuse(400, "BadRequest", "Upgrade request required")
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        command = request.query.getall("command")
        if command[0] == "echo":
            async for message in socket:
                if message.type is not WSMsgType.BINARY or message.data[0] == 255:
                    break
                await socket.send_bytes((b"\x02" if message.data[0] == 4 else b"\x01") + message.data[1:])
        if command[0] == "hang-up":
            assert request.transport is not None
            request.transport.abort()
            return socket
        code = int(command[1]) if command[0] == "exit" else 0
        status: Object = {"status": "Success"}
        if code:
            causes = [{"reason": "ExitCode", "message": str(code)}]
            status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
        if command[0] == "missing":
            status = {
                "status": "Failure",
                "reason": "InternalError",
                "code": 500,
                "message": "no such program",
            }
        await socket.send_bytes(b"\x03" + json.dumps(status).encode())
        await socket.close()
        return socket


def strip(body: Object) -> Object:
    """Without what the server sets on each write."""
    metadata = {
        k: v
        for k, v in body["metadata"].items()
        if k not in ("resourceVersion", "managedFields", "generation")
    }
    return {**body, "metadata": metadata}


def remove_fields(target: Object, before: Object, intent: Object) -> Object:
    """What a manager applied before and leaves out now goes away."""
    for key, value in before.items():
        if key not in intent:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(intent[key], dict) and isinstance(target.get(key), dict):
            remove_fields(target[key], value, intent[key])
    return target


def matches(body: Object, labels: str | None) -> bool:
    have = body["metadata"].get("labels") or {}
    return all(
        have.get(pair.split("=")[0]) == pair.split("=")[1] for pair in (labels or "").split(",") if pair
    )


def line(kind: str, body: Object) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def refuse(code: int, reason: str, message: str, **headers: str) -> web.Response:
    status = {"kind": "Status", "code": code, "reason": reason, "message": message}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return web.json_response(status, status=code, headers=named)
