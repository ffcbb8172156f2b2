"""The watch hub: every change is one event, kept for a while and handed to all who watch its kind or
object."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from kagents_local.apiserver.entries import Entry
from kagents_local.apiserver.errors import expired

HISTORY = 4096
"""Events kept for each kind; a watch from an older version is told to list again."""
HISTORY_SECONDS = 300.0
"""Age at which an event is forgotten although there is room: as long as etcd keeps versions in a cluster."""
BACKLOG = 8192
"""Events that a watcher may lag behind before it is dropped."""

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(slots=True)
class Event:
    """One change. ``renderings`` caches what it looks like on the wire, by representation: watchers share
    it."""

    type: EventType
    version: int
    entry: Entry
    old: Entry | None
    at: float = field(default_factory=time.monotonic)
    renderings: dict[str, bytes] = field(default_factory=dict)

    def rendered(self, representation: str, render: Callable[[], bytes]) -> bytes:
        """The event in a representation, computed once."""
        line = self.renderings.get(representation)
        if line is None:
            line = self.renderings[representation] = render()
        return line


class Subscription:
    """One watcher's queue. ``dropped`` is set when it was too slow; it then gets nothing more."""

    def __init__(self, key: tuple[str, str, str]) -> None:
        self.key = key
        self.dropped = False
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()

    def push(self, event: Event) -> None:
        """Queue an event, or give up on this watcher."""
        if len(self._events) >= BACKLOG:
            self.dropped = True
            self._events.clear()
        if not self.dropped:
            self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        """End the watch from the server's side."""
        self.dropped = True
        self._wake.set()

    async def take(self, timeout: float) -> list[Event]:
        """All queued events; empty after ``timeout`` seconds of silence or when dropped."""
        if not self._events and not self.dropped:
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                return []
        self._wake.clear()
        events = list(self._events)
        self._events.clear()
        return events


class WatchHub:
    """Fan-out of events to subscriptions, and the history from which a watch can start."""

    def __init__(self, version: int) -> None:
        self._subscriptions: dict[tuple[str, str, str], set[Subscription]] = {}
        self._history: dict[str, deque[Event]] = {}
        self._start = version
        self._forgotten: dict[str, int] = {}

    def publish(self, event: Event) -> None:
        """Remember an event and queue it for everyone whom it concerns."""
        storage, namespace, name = event.entry.storage, event.entry.namespace, event.entry.name
        history = self._history.setdefault(storage, deque())
        history.append(event)
        self._forget(event.at)
        keys = {(storage, a, b) for a in (namespace, "") for b in (name, "")}
        for key in keys:
            for subscription in self._subscriptions.get(key, ()):
                subscription.push(event)

    def _forget(self, now: float) -> None:
        """Forget what is too much or too old, of all kinds: one without new changes holds memory as well."""
        for storage, history in self._history.items():
            while len(history) > HISTORY or (history and history[0].at < now - HISTORY_SECONDS):
                self._forgotten[storage] = history.popleft().version

    def oldest(self, storage: str) -> int:
        """The oldest version from which every later change of a kind is known."""
        return self._forgotten.get(storage, self._start)

    def since(self, storage: str, version: int) -> Iterator[Event]:
        """Events after a version. Raises 410 when some of them are forgotten."""
        oldest = self.oldest(storage)
        if version < oldest:
            raise expired(f"too old resource version: {version} ({oldest})")
        later: list[Event] = []
        for event in reversed(self._history.get(storage, ())):
            if event.version <= version:
                break
            later.append(event)
        return reversed(later)

    def subscribe(self, storage: str, namespace: str, name: str) -> Subscription:
        """Watch a kind, narrowed to a namespace and a name where they are not empty."""
        subscription = Subscription((storage, namespace, name))
        self._subscriptions.setdefault(subscription.key, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop watching."""
        members = self._subscriptions.get(subscription.key)
        if members is not None:
            members.discard(subscription)
            if not members:
                del self._subscriptions[subscription.key]

    def close(self) -> None:
        """End every watch."""
        for members in self._subscriptions.values():
            for subscription in members:
                subscription.close()
