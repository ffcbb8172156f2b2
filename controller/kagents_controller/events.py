"""Events on teams, runs and templates, as ``kubectl describe`` shows them.

They are told outside the workers and may be lost: nothing depends on them. The same thing told again counts
up on the same object instead of making another.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kagents_core.api.constants import CONTROLLER_MANAGER
from kagents_core.api.resources import EVENTS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, KubeError, NotFound
from kagents_core.reconcile import Event

_log = logging.getLogger(__name__)
_BACKLOG = 2000
_REMEMBERED = 4096
_MESSAGE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class _Told:
    name: str
    namespace: str
    body: dict[str, Any]


class EventRecorder:
    """Writes events in the background; the newest are dropped when far too many wait."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._queue: asyncio.Queue[_Told] = asyncio.Queue(_BACKLOG)
        self._counts: OrderedDict[str, int] = OrderedDict()

    def tell(self, owner: Mapping[str, Any], event: Event) -> None:
        """Queue an event about the object ``owner``."""
        told = _told(owner, event, datetime.now(UTC))
        try:
            self._queue.put_nowait(told)
        except asyncio.QueueFull:
            _log.warning("too many events wait; dropped one", extra={"reason": event.reason})

    async def run(self, writers: int = 4) -> None:
        """Write queued events until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(writers):
                group.create_task(self._write_all())

    async def drain(self, seconds: float) -> None:
        """Wait until what is queued has been written, but not longer than that."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            _log.warning("events were left unwritten", extra={"count": self._queue.qsize()})

    async def _write_all(self) -> None:
        while True:
            told = await self._queue.get()
            try:
                await self._write(told)
            except KubeError as error:
                _log.warning("event not written", extra={"event": told.body["reason"], "error": str(error)})
            finally:
                self._queue.task_done()

    async def _write(self, told: _Told) -> None:
        count = self._counts.get(f"{told.namespace}/{told.name}", 0)
        if count == 0:
            try:
                await self._client.create(EVENTS, told.namespace, told.body)
                self._remember(told, 1)
                return
            except AlreadyExists:  # told before this process started
                existing = await self._client.get(EVENTS, told.namespace, told.name)
                count = int(existing.get("count") or 1)
        patch = {"count": count + 1, "lastTimestamp": told.body["lastTimestamp"]}
        try:
            await self._client.patch_merge(EVENTS, told.namespace, told.name, patch)
            self._remember(told, count + 1)
        except NotFound:  # expired on the server
            await self._client.create(EVENTS, told.namespace, told.body)
            self._remember(told, 1)

    def _remember(self, told: _Told, count: int) -> None:
        key = f"{told.namespace}/{told.name}"
        self._counts[key] = count
        self._counts.move_to_end(key)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)


def _told(owner: Mapping[str, Any], event: Event, now: datetime) -> _Told:
    metadata = owner["metadata"]
    namespace = metadata.get("namespace") or "default"
    content = "\0".join((metadata["uid"], event.type, event.reason, event.message))
    name = f"{metadata['name'][:200]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": metadata["name"],
            "namespace": namespace,
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:_MESSAGE_LIMIT],
        "source": {"component": CONTROLLER_MANAGER},
        "reportingComponent": CONTROLLER_MANAGER,
        "reportingInstance": CONTROLLER_MANAGER,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
    return _Told(name, namespace, body)
