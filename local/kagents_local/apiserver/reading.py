"""Get, list and watch."""

import asyncio
import base64
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from aiohttp import web

from kagents_local.apiserver import responses, selectors
from kagents_local.apiserver.entries import Entry, selectable_names
from kagents_local.apiserver.errors import RefusalError, bad_request, expired, not_found
from kagents_local.apiserver.kinds import Kind
from kagents_local.apiserver.requests import Target, flag, number
from kagents_local.apiserver.store import Store
from kagents_local.apiserver.tables import partial, table
from kagents_local.apiserver.watch import Event, Subscription

Form = Literal["object", "table", "metadata"]

BOOKMARK_SECONDS: Final = 50.0
WRITE_SECONDS: Final = 30.0
"""A watcher that takes no data for this long is dropped."""


def wanted_form(accept: str) -> Form:
    """The first representation in an ``Accept`` header that the server has. Raises 406 when there is none."""
    if not accept:
        return "object"
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in ("application/json", "*/*", "application/*"):
            continue
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        kind = named.get("as")
        if kind is None:
            return "object"
        if kind == "Table" and named.get("v") == "v1":
            return "table"
        if kind in ("PartialObjectMetadata", "PartialObjectMetadataList") and named.get("v") == "v1":
            return "metadata"
    raise RefusalError(406, "NotAcceptable", "only the following media types are accepted: application/json")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind a request is about."""

    namespace: str
    name: str
    labels: selectors.Match | None
    fields: selectors.Match | None

    @property
    def everything(self) -> bool:
        """Whether namespace and name alone decide."""
        return self.labels is None and self.fields is None

    def has(self, entry: Entry) -> bool:
        """Whether an object is selected."""
        if (self.namespace and entry.namespace != self.namespace) or (self.name and entry.name != self.name):
            return False
        if self.labels is not None and not self.labels(entry.labels):
            return False
        if self.fields is None:
            return True
        metadata = {"metadata.name": entry.name, "metadata.namespace": entry.namespace}
        return self.fields({**entry.fields, **metadata})


def selection_of(kind: Kind, target: Target, query: Mapping[str, str]) -> Selection:
    """The selection of a list, watch or delete-collection. Raises 400 for a selector that cannot be read."""
    namespace, name = target.namespace, target.name
    rest = []
    for field, value, equal in selectors.parse_fields(
        query.get("fieldSelector", ""), selectable_names(kind.storage)
    ):
        if equal and value and field == "metadata.name" and name in ("", value):
            name = value
        elif equal and value and field == "metadata.namespace" and namespace in ("", value):
            namespace = value
        else:
            rest.append((field, value, equal))
    labels = selectors.parse_labels(query.get("labelSelector", ""))
    return Selection(namespace, name, labels, selectors.match_fields(rest))


class Reading:
    """Answers to requests that change nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, kind: Kind, target: Target, query: Mapping[str, str], accept: str) -> web.Response:
        """One object."""
        form = wanted_form(accept)
        entry = self._store.get(kind.storage, target.namespace, target.name)
        if entry is None:
            raise not_found(kind.plural, kind.group, target.name)
        if form == "object":
            return responses.raw(entry.data)
        if form == "metadata":
            return responses.document(partial(entry.object()))
        metadata = {"resourceVersion": str(entry.version)}
        return responses.document(table(kind, [entry.object()], metadata, query.get("includeObject", "")))

    def select(
        self, kind: Kind, selection: Selection, after: tuple[str, str] | None = None
    ) -> Iterable[Entry]:
        """Selected objects in order."""
        if selection.name and selection.namespace:
            entry = self._store.get(kind.storage, selection.namespace, selection.name)
            return [entry] if entry is not None and selection.has(entry) and after is None else []
        entries = self._store.list(kind.storage, selection.namespace, after)
        if selection.everything and not selection.name:
            return entries
        return (entry for entry in entries if selection.has(entry))

    def list(self, kind: Kind, target: Target, query: Mapping[str, str], accept: str) -> web.Response:
        """Objects of a kind, in pages when ``limit`` says so."""
        form = wanted_form(accept)
        selection = selection_of(kind, target, query)
        version, after = self._start(kind, query)
        limit = number(query, "limit") or 0
        page: list[Entry] = []
        more = 0
        for entry in self.select(kind, selection, after):
            if limit and len(page) == limit:
                more += 1
            else:
                page.append(entry)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if more:
            last = page[-1]
            metadata["continue"] = _token(version, last)
            if selection.everything:
                metadata["remainingItemCount"] = more
        return _list_response(kind, form, page, metadata, query.get("includeObject", ""))

    def _start(self, kind: Kind, query: Mapping[str, str]) -> tuple[int, tuple[str, str] | None]:
        token = query.get("continue", "")
        if token:
            version, after = _read_token(token)
            if version < self._store.hub.oldest(kind.storage):
                raise expired("the continue token is too old for a consistent list; list again")
            return version, after
        asked = _version(query)
        if asked > self._store.version:
            message = f"Too large resource version: {asked}, current: {self._store.version}"
            raise RefusalError(
                504,
                "Timeout",
                message,
                {"causes": [{"reason": "ResourceVersionTooLarge", "message": message}]},
            )
        if query.get("resourceVersionMatch") == "Exact" and asked != self._store.version:
            raise expired(f"The resourceVersion for the provided list is too old: {asked}")
        return self._store.version, None

    async def watch(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str], accept: str
    ) -> web.StreamResponse:
        """Changes of selected objects until the client leaves or the time is over."""
        form = wanted_form(accept)
        selection = selection_of(kind, target, query)
        watcher = _Watcher(self._store, kind, selection, form, query)
        response = web.StreamResponse()
        response.headers["Content-Type"] = "application/json"
        subscription = self._store.hub.subscribe(kind.storage, selection.namespace, selection.name)
        try:
            # What was, and what comes from now on, are fixed here together: nothing is missed or doubled.
            first = watcher.initial(self.select(kind, selection))
            await response.prepare(request)
            await watcher.run(response, subscription, first)
        finally:
            self._store.hub.unsubscribe(subscription)
        return response


def _version(query: Mapping[str, str]) -> int:
    text = query.get("resourceVersion", "")
    if text and not text.isdecimal():
        raise bad_request(f"invalid resource version: {text[:100]!r}")
    return int(text or "0")


def _token(version: int, entry: Entry) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, entry.namespace, entry.name])).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = orjson.loads(base64.urlsafe_b64decode(token))
        return int(version), (str(namespace), str(name))
    except (ValueError, TypeError):
        raise bad_request("continue key is not valid") from None


def _list_response(
    kind: Kind, form: Form, page: list[Entry], metadata: dict[str, Any], include: str
) -> web.Response:
    if form == "table":
        return responses.document(table(kind, (entry.object() for entry in page), metadata, include))
    if form == "metadata":
        items = [partial(entry.object()) for entry in page]
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        return responses.document({**head, "items": items})
    head = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata}
    body = orjson.dumps(head)[:-1] + b',"items":[' + b",".join(entry.data for entry in page) + b"]}"
    return responses.raw(body)


class _Watcher:
    """One watch: what it wants, and how it wants it written."""

    def __init__(
        self, store: Store, kind: Kind, selection: Selection, form: Form, query: Mapping[str, str]
    ) -> None:
        self._store = store
        self._kind = kind
        self._selection = selection
        self._form = form
        self._include = query.get("includeObject", "")
        self._bookmarks = flag(query, "allowWatchBookmarks")
        self._version = _version(query)
        self._send_initial = flag(query, "sendInitialEvents")
        self._given = query.get("resourceVersion", "") not in ("", "0")
        asked = number(query, "timeoutSeconds")
        self._seconds = float(asked) if asked else random.uniform(1800, 3600)  # noqa: S311

    def initial(self, current: Iterable[Entry]) -> bytes:
        """What a new watch sends first: the present state, or what happened since its version."""
        if self._send_initial or not self._given:
            lines = [self._line("ADDED", entry) for entry in current]
            if self._send_initial:
                lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
            return b"".join(lines)
        if self._version > self._store.version:
            raise expired(f"too large resource version: {self._version}, current: {self._store.version}")
        return b"".join(map(self._render, self._store.hub.since(self._kind.storage, self._version)))

    async def run(self, response: web.StreamResponse, subscription: Subscription, first: bytes) -> None:
        """Send events as they come."""
        clock = asyncio.get_running_loop()
        end = clock.time() + self._seconds
        if first:
            await self._write(response, first)
        while not subscription.dropped and (left := end - clock.time()) > 0:
            events = await subscription.take(min(left, BOOKMARK_SECONDS))
            data = b"".join(map(self._render, events))
            if not events and self._bookmarks and not subscription.dropped:
                data = self._bookmark({})
            if data:
                await self._write(response, data)

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(data)

    def _render(self, event: Event) -> bytes:
        now = self._selection.has(event.entry)
        before = event.old is not None and self._selection.has(event.old)
        kind: str = event.type
        if kind == "DELETED":
            now, before = False, before or now
        if not now and not before:
            return b""
        if now != before:
            kind = "ADDED" if now else "DELETED"
        if self._form == "object":  # stored as it goes over the wire: nothing is worth keeping
            return self._line(kind, event.entry)
        key = f"{kind}/{self._form}/{self._include if self._form == 'table' else ''}"
        return event.rendered(key, lambda: self._line(kind, event.entry))

    def _line(self, kind: str, entry: Entry) -> bytes:
        if self._form == "table":
            rows = table(self._kind, [entry.object()], {"resourceVersion": str(entry.version)}, self._include)
            data = orjson.dumps(rows)
        elif self._form == "metadata":
            data = orjson.dumps(partial(entry.object()))
        else:
            data = entry.data
        return b'{"type":"' + kind.encode() + b'","object":' + data + b"}\n"

    def _bookmark(self, annotations: Mapping[str, str]) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        obj: dict[str, Any] = {
            "kind": self._kind.kind,
            "apiVersion": self._kind.api_version,
            "metadata": metadata,
        }
        if self._form == "table":
            obj = table(self._kind, [], {"resourceVersion": str(self._store.version)}, "None")
            obj["rows"] = [{"cells": [], "object": {"metadata": metadata}}] if annotations else []
        return orjson.dumps({"type": "BOOKMARK", "object": obj}) + b"\n"
