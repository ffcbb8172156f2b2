"""Keeps a store equal to the API server: list, then watch, and over again when that breaks.

A broken watch goes on from the last version; only a 410 lists again. Waits have full jitter.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from kagents_core.api.resources import Resource
from kagents_core.kube.backoff import Backoff
from kagents_core.kube.client import Client
from kagents_core.kube.errors import Gone, KubeError
from kagents_core.kube.store import Store
from kagents_core.kube.watch import WatchEvent

T = TypeVar("T")
_HEALTHY_SECONDS = 1.0
"""A watch that ended sooner and brought nothing is a failure: a server that hangs up is not hammered."""
_AT_ONCE = 50
"""Listed objects between two looks at what else has come: the next page is made and read beside them."""


@dataclass(frozen=True, slots=True)
class ReflectorState:
    """How the connection is, for a person. ``last_error`` is one sentence, None while connected."""

    connected: bool
    since: datetime
    last_error: str | None = None
    cause: KubeError | None = None
    """What ``last_error`` says, for callers that treat what is forbidden otherwise than what is lost."""


class Reflector(Generic[T]):
    """Lists and watches one kind into ``store`` until its ``run`` is cancelled."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        store: Store[T],
        *,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
        page_size: int = 500,
        on_first_page: Callable[[int], None] | None = None,
        on_state: Callable[[ReflectorState], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``on_first_page`` hears once, when the first page is in, how many objects are still to come."""
        self.resource = resource
        self.namespace = namespace
        self.store = store
        self.synced = asyncio.Event()
        """Set once the first list is complete."""
        self.state = ReflectorState(False, datetime.now(UTC))
        self.lists = 0
        """Complete lists so far."""
        self._client = client
        self._labels = labels
        self._fields = fields
        self._page_size = page_size
        self._on_first_page = on_first_page
        self._on_state = on_state
        self._sleep = sleep
        self._backoff = Backoff(0.8, 30.0)
        self._version: str | None = None
        self._pending: list[WatchEvent] = []

    async def run(self) -> None:
        """List and watch until cancelled; failures show in ``state`` and are tried again."""
        while True:
            try:
                if self._version is None:
                    self._version = await self._list()
                if await self._watch(self._version):
                    self._backoff.reset()
                    continue
            except Gone:
                # The next list brings a fresh version; only a server that never keeps one makes us wait.
                self._version = None
            except KubeError as error:
                self._set_state(False, error)
            await self._sleep(self._backoff.next())

    async def _list(self) -> str:
        """Every page goes to the store as it comes; what no page had is dropped at the end."""
        seen: set[tuple[str, str]] = set()
        version = ""
        pages = self._client.pages(
            self.resource, self.namespace, labels=self._labels, fields=self._fields, limit=self._page_size
        )
        async with aclosing(pages):
            async for page in pages:
                for begin in range(0, len(page.items), _AT_ONCE):
                    seen.update(self.store.upsert(page.items[begin : begin + _AT_ONCE]))
                    await asyncio.sleep(0)  # the next page is asked for, and read as it comes
                version = page.resource_version
                if self._on_first_page is not None:
                    self._on_first_page(page.remaining)
                    self._on_first_page = None
        self.store.retain(seen, self.namespace)
        self.lists += 1
        self.synced.set()
        self._set_state(True)
        return version

    async def _watch(self, version: str) -> bool:
        """One watch, to its end. True when it did its work, so that the next may start at once."""
        started = asyncio.get_running_loop().time()
        heard = False
        events = self._client.watch(
            self.resource,
            self.namespace,
            resource_version=version,
            labels=self._labels,
            fields=self._fields,
            timeout_seconds=random.randint(300, 600),  # noqa: S311  (spreads reconnects, no secret)
            on_open=lambda: self._set_state(True),
        )
        try:
            async with aclosing(events):
                async for event in events:
                    heard = True
                    self._version = event.object["metadata"]["resourceVersion"]
                    self._take(event)
        finally:
            self._flush()
            if heard:
                self._backoff.reset()
        return heard or asyncio.get_running_loop().time() - started >= _HEALTHY_SECONDS

    def _take(self, event: WatchEvent) -> None:
        """Events that arrive together reach the subscribers together."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending.append(event)

    def _flush(self) -> None:
        events, self._pending = self._pending, []
        if events:
            self.store.apply(events)

    def _set_state(self, connected: bool, cause: KubeError | None = None) -> None:
        before, error = self.state, None if cause is None else str(cause)
        if before.connected == connected and before.last_error == error:
            return
        since = before.since if before.connected == connected else datetime.now(UTC)
        self.state = ReflectorState(connected, since, error, cause)
        if self._on_state is not None:
            self._on_state(self.state)
