"""Events on teams, runs and templates, as ``kubectl describe`` shows them.

They are told outside the workers and may be lost: nothing depends on them. The same thing told again counts
up on the same object: the first time at once, then at most every ten seconds, however often it happens. Of
things that differ only in their words, the eleventh in ten minutes and all later ones are one event.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kagents_controller.delays import DelayHeap
from kagents_core.api.constants import CONTROLLER_MANAGER
from kagents_core.api.resources import EVENTS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, KubeError, NotFound
from kagents_core.metrics import Metrics
from kagents_core.reconcile import Event

_log = logging.getLogger(__name__)
_BACKLOG = 2000
_REMEMBERED = 4096
_MESSAGE_LIMIT = 1024
_WRITERS = 4
REPEAT_SECONDS = 10.0
"""Least time between two writes of one event."""
MOST_ALIKE = 10
"""Events of one object and reason that are told apart within ``ALIKE_SECONDS``."""
ALIKE_SECONDS = 600.0
_ALIKE = "(combined from similar events): "

Key = tuple[str, str]
"""Namespace and name of an event."""


@dataclass(slots=True)
class _Told:
    body: dict[str, Any]
    times: int = 1


@dataclass(slots=True)
class _Written:
    count: int
    at: float


class EventRecorder:
    """Writes events in the background; the newest are dropped when far too many wait."""

    def __init__(self, client: Client, metrics: Metrics, *, clock: Callable[[], float] | None = None) -> None:
        """``clock`` is monotonic, in seconds; by default the running loop's."""
        self._client = client
        self._metrics = metrics
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._waiting: dict[Key, _Told] = {}
        self._due: DelayHeap[Key] = DelayHeap()
        self._changed = asyncio.Event()
        self._in_work: set[Key] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._written: OrderedDict[Key, _Written] = OrderedDict()
        self._alike: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()
        self._draining = False

    def tell(self, owner: Mapping[str, Any], event: Event) -> None:
        """Queue an event about the object ``owner``."""
        event = self._combined(owner["metadata"]["uid"], event)
        body = _body(owner, event, datetime.now(UTC))
        key = body["metadata"]["namespace"], body["metadata"]["name"]
        waits = self._waiting.get(key)
        if waits is not None:
            waits.times += 1
            waits.body["lastTimestamp"] = body["lastTimestamp"]
        elif len(self._waiting) >= _BACKLOG:
            self._metrics.count("events_total", outcome="dropped")
            _log.warning("too many events wait; dropped one", extra={"reason": event.reason})
        else:
            self._waiting[key] = _Told(body)
            self._due.set(key, self._earliest(key))
            self._idle.clear()
            self._changed.set()

    @property
    def due(self) -> int:
        """Events that wait for nothing but their write."""
        now = self._clock()
        return len(self._in_work) + sum(self._earliest(key) <= now for key in self._waiting)

    @property
    def remembered(self) -> int:
        """How much is known of what was told: events, and the words of each object and reason."""
        return len(self._written) + len(self._alike)

    async def run(self) -> None:
        """Write queued events until cancelled."""
        async with asyncio.TaskGroup() as group:
            slots = asyncio.Semaphore(_WRITERS)
            while True:
                now = self._clock()
                for key in self._due.pop_due(float("inf") if self._draining else now):
                    await slots.acquire()
                    self._in_work.add(key)
                    written = group.create_task(self._write_one(key, self._waiting.pop(key)))
                    written.add_done_callback(lambda _: slots.release())
                due = self._due.next()
                self._changed.clear()
                try:
                    async with asyncio.timeout(None if due is None else max(0.0, due - self._clock())):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    async def drain(self, seconds: float) -> None:
        """Write what waits, without waiting for its time, but not longer than that."""
        self._draining = True
        self._changed.set()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("events were left unwritten", extra={"count": len(self._waiting)})

    def _earliest(self, key: Key) -> float:
        """When this event may be written."""
        if key in self._in_work:
            return self._clock() + REPEAT_SECONDS
        before = self._written.get(key)
        return self._clock() if before is None else before.at + REPEAT_SECONDS

    def _combined(self, uid: str, event: Event) -> Event:
        """The event itself, or what stands for the many that differ from it only in their words."""
        now, like = self._clock(), "\0".join((uid, event.type, event.reason))
        self._forget(now)
        since, messages = self._alike.pop(like, (now, set()))
        if now >= since + ALIKE_SECONDS:
            since, messages = now, set()
        self._alike[like] = since, messages
        if event.message in messages or len(messages) < MOST_ALIKE:
            messages.add(event.message)
            return event
        return replace(event, message=_ALIKE + event.reason)

    def _forget(self, now: float) -> None:
        """What is too much or too old: most is of teams that are gone. Words are counted anew by then, and
        how often an event was told stands in the event itself."""
        written, alike = self._written, self._alike
        while written and (
            len(written) > _REMEMBERED or next(iter(written.values())).at <= now - ALIKE_SECONDS
        ):
            written.popitem(last=False)
        while alike and (len(alike) > _REMEMBERED or next(iter(alike.values()))[0] <= now - ALIKE_SECONDS):
            alike.popitem(last=False)

    async def _write_one(self, key: Key, told: _Told) -> None:
        try:
            outcome = await self._write(key, told)
        except KubeError as error:
            outcome = "failed"
            _log.warning("event not written", extra={"event": told.body["reason"], "error": str(error)})
        finally:
            self._in_work.discard(key)
            if not self._in_work and not self._waiting:
                self._idle.set()
        self._metrics.count("events_total", outcome=outcome)

    async def _write(self, key: Key, told: _Told) -> str:
        before, body = self._written.get(key), {**told.body, "count": told.times}
        count = 0 if before is None else before.count
        if count == 0:
            try:
                return await self._create(key, body)
            except AlreadyExists:  # told before this process started
                existing = await self._client.get(EVENTS, *key)
                count = int(existing.get("count") or 1)
        patch = {"count": count + told.times, "lastTimestamp": told.body["lastTimestamp"]}
        try:
            await self._client.patch_merge(EVENTS, *key, patch)
        except NotFound:  # expired on the server
            return await self._create(key, body)
        self._remember(key, count + told.times)
        return "counted"

    async def _create(self, key: Key, body: dict[str, Any]) -> str:
        await self._client.create(EVENTS, key[0], body)
        self._remember(key, body["count"])
        return "created"

    def _remember(self, key: Key, count: int) -> None:
        self._written[key] = _Written(count, self._clock())
        self._written.move_to_end(key)


def _body(owner: Mapping[str, Any], event: Event, now: datetime) -> dict[str, Any]:
    metadata = owner["metadata"]
    namespace = metadata.get("namespace") or "default"
    content = "\0".join((metadata["uid"], event.type, event.reason, event.message))
    name = f"{metadata['name'][:200]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
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
