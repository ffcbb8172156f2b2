"""The simulated API server: objects, versions and their whole history, in memory and without any waiting.

It answers requests at once (``handle``); the rest of the cluster writes to it (``write``, ``remove``).
It is held to the engine's server, and so to a real one, by the tests of tests/conformance that apply to it.
"""

import itertools
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from simulator.addresses import Address, Object, matches, parse, selects
from simulator.fields import Owners, intent_of, merge

EPOCH = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
Key = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one request."""

    status: int
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One write, as watches tell it."""

    version: int
    type: str
    key: Key
    metadata: Object
    before: Object | None
    """Its metadata before."""
    line: bytes


class Refusal(Exception):  # noqa: N818  (it says what happened)
    """A request that the server does not carry out."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        document = {"kind": "Status", "code": status, "reason": reason, "message": message}
        self.answer = Answer(status, orjson.dumps(document))


class Server:
    """``now`` is the time of the cluster in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._bodies: dict[Key, bytes] = {}
        self._shown: dict[Key, Object] = {}
        self._owners: dict[Key, Owners] = {}
        self._uids = itertools.count(1)
        self.version = 100
        self.compacted = 0
        """Watches from before this version are told that it is gone."""
        self.history: list[Change] = []
        self._versions: list[int] = []
        self.listeners: list[Callable[[Change], None]] = []
        """Called within each write: nothing happens between a write and its hearing."""
        self.admission: Callable[[Object], str] = lambda body: ""
        """Why an object may not be created; nothing when it may."""

    # ── objects ───────────────────────────────────────────────────────────────────────────────────────────

    def get(self, key: Key) -> Object | None:
        """A copy of the object."""
        data = self._bodies.get(key)
        return None if data is None else orjson.loads(data)

    def look(self, key: Key) -> Object | None:
        """The object itself, which nobody may change."""
        return self._shown.get(key)

    def all(self, plural: str) -> list[Object]:
        """All objects of a kind, by its plural; nobody may change them."""
        end = f"/{plural}"
        return [body for key, body in self._shown.items() if key[0].endswith(end)]

    def everything(self) -> list[tuple[Key, Object]]:
        """All objects with their keys; nobody may change them."""
        return list(self._shown.items())

    def moment(self) -> str:
        """The cluster's time as it stands in objects."""
        return (EPOCH + timedelta(seconds=self._now())).strftime("%Y-%m-%dT%H:%M:%SZ")

    def write(self, key: Key, body: Object, *, status: bool = False) -> Object:
        """Make the object so; what is so already stays as it is."""
        old, metadata = self.look(key), body["metadata"]
        if old is None:
            metadata |= {"name": key[2], "uid": f"uid-{next(self._uids)}", "generation": 1}
            metadata["creationTimestamp"] = self.moment()
            if key[1]:
                metadata["namespace"] = key[1]
        else:
            for fixed in ("name", "namespace", "uid", "generation", "creationTimestamp", "resourceVersion"):
                if fixed in old["metadata"]:
                    metadata[fixed] = old["metadata"][fixed]
            if old == body:
                return body
            spec_changed = not status and old.get("spec") != body.get("spec")
            metadata["generation"] += spec_changed
        self._record("ADDED" if old is None else "MODIFIED", key, body, old)
        return body

    def remove(self, key: Key) -> None:
        """Take the object away, whatever holds it."""
        body = self.get(key)
        if body is not None:
            del self._bodies[key], self._shown[key]
            self._owners.pop(key, None)
            self._record("DELETED", key, body, body, gone=True)

    def _record(self, kind: str, key: Key, body: Object, old: Object | None, *, gone: bool = False) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        data = orjson.dumps(body)
        shown = orjson.loads(data)
        if not gone:
            self._bodies[key], self._shown[key] = data, shown
        before = None if old is None else old["metadata"]
        line = b'{"type":"' + kind.encode() + b'","object":' + data + b"}\n"
        change = Change(self.version, kind, key, shown["metadata"], before, line)
        self.history.append(change)
        self._versions.append(self.version)
        for listener in self.listeners:
            listener(change)

    def since(self, version: int) -> list[Change]:
        """Every write after this version."""
        return self.history[bisect_right(self._versions, version) :]

    def at(self, version: int) -> dict[Key, bytes]:
        """All objects as they were at that version: what a replica that is behind still shows."""
        found: dict[Key, bytes] = {}
        for change in self.history[: bisect_right(self._versions, version)]:
            found.pop(change.key, None)
            if change.type != "DELETED":
                found[change.key] = change.line[change.line.index(b'"object":') + 9 : -2]
        return found

    # ── requests ──────────────────────────────────────────────────────────────────────────────────────────

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        media: str,
        data: bytes | None,
        *,
        replica: int | None = None,
    ) -> Answer:
        """Carry a request out. With ``replica`` lists are those of that version."""
        address = parse(path)
        body = orjson.loads(data) if data else {}
        try:
            if method == "GET":
                return self._get(address, query, replica)
            if method == "POST":
                return self._create(address, body, query)
            if method == "DELETE":
                return self._delete(address, body)
            if method == "PATCH":
                return self._patch(address, body, query, media)
            raise Refusal(405, "MethodNotAllowed", f"{method} is not simulated")
        except Refusal as refusal:
            return refusal.answer

    def _get(self, address: Address, query: Mapping[str, str], replica: int | None) -> Answer:
        if address.name is not None:
            self._existing(address)
            return Answer(200, self._bodies[address.kind, address.namespace or "", address.name])
        bodies, version = self._bodies, str(self.version)
        if replica is not None:
            bodies, version = self.at(replica), str(replica)
        after, token = "", query.get("continue", "")
        if token:
            version, after = token.split("|")
        found = []
        for key in sorted(key for key in bodies if key[0] == address.kind):
            if address.namespace in (None, key[1]) and f"{key[1]}/{key[2]}" > after:
                body = self._shown[key] if replica is None else orjson.loads(bodies[key])
                try:
                    if matches(body["metadata"], query.get("labelSelector")) and selects(
                        body, query.get("fieldSelector")
                    ):
                        found.append(body)
                except KeyError as error:
                    message = f"field label not supported: {error.args[0]}"
                    raise Refusal(400, "BadRequest", message) from None
        limit = int(query.get("limit") or len(found) or 1)
        metadata: Object = {"resourceVersion": version}
        if len(found) > limit:
            last = found[limit - 1]["metadata"]
            metadata["continue"] = f"{version}|{last.get('namespace', '')}/{last['name']}"
            metadata["remainingItemCount"] = len(found) - limit
        return Answer(200, orjson.dumps({"metadata": metadata, "items": found[:limit]}))

    def _create(self, address: Address, body: Object, query: Mapping[str, str]) -> Answer:
        namespace, metadata = address.namespace or "", body["metadata"]
        if namespace and ("/api/v1/namespaces", "", namespace) not in self._bodies:
            raise Refusal(404, "NotFound", f'namespaces "{namespace}" not found')
        name = metadata.get("name") or f"{metadata.pop('generateName')}{self.version:05x}"
        key = (address.kind, namespace, name)
        if key in self._bodies:
            raise Refusal(409, "AlreadyExists", f'{address.plural} "{name}" already exists')
        if query.get("dryRun"):
            return Answer(201, orjson.dumps(body | {"metadata": metadata | {"uid": "of-nothing"}}))
        if reason := self.admission(body):
            raise Refusal(403, "Forbidden", reason)
        if manager := query.get("fieldManager"):
            self._owned(key).apply({}, intent_of(body, None), manager, None)
        return Answer(201, orjson.dumps(self.write(key, self._fresh(address, body))))

    @staticmethod
    def _fresh(address: Address, body: Object) -> Object:
        body = {name: value for name, value in body.items() if name != "status"}
        if address.plural in ("pods", "persistentvolumeclaims"):
            body["status"] = {"phase": "Pending"}
        return body

    def _delete(self, address: Address, options: Object) -> Answer:
        body = self._existing(address)
        for name, value in (options.get("preconditions") or {}).items():
            if value != body["metadata"][name]:
                raise Refusal(409, "Conflict", f"the {name} in the precondition differs")
        key = (address.kind, address.namespace or "", body["metadata"]["name"])
        running = address.plural == "pods" and body["status"].get("phase") not in ("Succeeded", "Failed")
        if running or body["metadata"].get("finalizers"):
            body["metadata"].setdefault("deletionTimestamp", self.moment())
            self.write(key, body)
        else:
            self.remove(key)
        return Answer(200, b'{"kind":"Status","status":"Success"}')

    def _patch(self, address: Address, patch: Object, query: Mapping[str, str], media: str) -> Answer:
        key = (address.kind, address.namespace or "", address.name or "")
        old, applied = self.get(key), "apply" in media
        wanted = patch.get("metadata") or {}
        if old is None and (not applied or address.subresource or wanted.get("uid")):
            self._existing(address)
        current = old or self._fresh(address, {k: v for k, v in patch.items() if k != "spec"})
        for bound in ("uid", "resourceVersion"):
            if old is not None and wanted.get(bound) not in (None, old["metadata"][bound]):
                raise Refusal(
                    409, "Conflict", "the object has been modified; please apply your changes to it"
                )
        if applied:
            intent, manager = intent_of(patch, address.subresource), query["fieldManager"]
            conflicts = self._owned(key).conflicts(current, intent, manager)
            if conflicts and query.get("force") != "true":
                told = "; ".join(f'conflict with "{other}": {path}' for other, path in conflicts)
                raise Refusal(409, "Conflict", f"Apply failed with {len(conflicts)} conflict: {told}")
            self._owned(key).apply(current, intent, manager, address.subresource)
        elif address.subresource:
            merge(current, {address.subresource: patch.get(address.subresource) or {}})
        else:
            merge(current, {name: value for name, value in patch.items() if name != "status"})
        made = self.write(key, current, status=bool(address.subresource))
        held = address.plural == "pods" or made["metadata"].get("finalizers")
        if made["metadata"].get("deletionTimestamp") and not held:
            self.remove(key)
        shown = made | {"metadata": made["metadata"] | {"managedFields": self._managed(key)}}
        return Answer(200 if old else 201, orjson.dumps(shown))

    def _managed(self, key: Key) -> list[Object]:
        return [{"manager": manager, "operation": "Apply"} for manager in self._owned(key).managers]

    def _owned(self, key: Key) -> Owners:
        return self._owners.setdefault(key, Owners())

    def _existing(self, address: Address) -> Object:
        body = self.get((address.kind, address.namespace or "", address.name or ""))
        if body is None:
            group = address.root.split("/")[2] if address.root.startswith("/apis/") else ""
            kind = f"{address.plural}.{group}" if group else address.plural
            raise Refusal(404, "NotFound", f'{kind} "{address.name}" not found')
        return body
