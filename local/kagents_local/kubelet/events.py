"""Events about pods, as ``kubectl describe`` shows them: written beside the work, never in its way."""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kagents_core.api.resources import EVENTS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import KubeError
from kagents_local.kubelet.records import timestamp
from kagents_local.kubelet.settings import NODE_NAME

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 1000
"""Events waiting to be written; more are dropped."""

REMEMBERED: Final = 2000
"""Events whose repetition is counted instead of written again."""


@dataclass(frozen=True, slots=True)
class _Event:
    namespace: str
    name: str
    uid: str
    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    field_path: str


class EventRecorder:
    """Writes events one after the other; the same event again raises its count."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._queue: asyncio.Queue[_Event] = asyncio.Queue(QUEUE_LIMIT)
        self._written: OrderedDict[_Event, tuple[str, int]] = OrderedDict()

    def record(
        self,
        pod: Mapping[str, Any],
        kind: Literal["Normal", "Warning"],
        reason: str,
        message: str,
        *,
        container: str | None = None,
    ) -> None:
        """Queue an event about a pod or one of its containers; never waits."""
        metadata = pod["metadata"]
        path = f"spec.containers{{{container}}}" if container else ""
        event = _Event(
            metadata["namespace"], metadata["name"], metadata["uid"], kind, reason, message[:1024], path
        )
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("event dropped, the queue is full: pod %s, reason %s", metadata["name"], reason)

    async def run(self) -> None:
        """Write events until cancelled. One that the server refuses is logged and dropped."""
        while True:
            event = await self._queue.get()
            try:
                await self._write(event)
            except KubeError as error:
                log.warning("event not written: pod %s, reason %s: %s", event.name, event.reason, error)

    async def _write(self, event: _Event) -> None:
        now = timestamp()
        known = self._written.pop(event, None)
        if known is not None:
            name, count = known
            patch = {"count": count + 1, "lastTimestamp": now}
            await self._client.patch_merge(EVENTS, event.namespace, name, patch)
            self._written[event] = (name, count + 1)
            return
        name = f"{event.name[:200]}.{uuid.uuid4().hex[:16]}"
        await self._client.create(EVENTS, event.namespace, _body(event, name, now))
        self._written[event] = (name, 1)
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)


def _body(event: _Event, name: str, now: str) -> dict[str, Any]:
    involved = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": event.namespace,
        "name": event.name,
        "uid": event.uid,
    }
    if event.field_path:
        involved["fieldPath"] = event.field_path
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": event.namespace},
        "involvedObject": involved,
        "type": event.kind,
        "reason": event.reason,
        "message": event.message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": "kubelet", "host": NODE_NAME},
        "reportingComponent": "kubelet",
        "reportingInstance": NODE_NAME,
    }
