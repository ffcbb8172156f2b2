"""Live teams: reflectors fill stores, and what changed reaches the screens at most ten times a second."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key, Team, project

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_core.kube.reflector import Reflector
    from kagents_core.kube.store import Change

FLUSH_SECONDS: Final = 0.1
Batch = dict[Key, Team | None]


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection stands. ``since`` is when it became so; ``error`` is one harmless sentence."""

    connected: bool
    since: datetime
    error: str = ""
    synced: bool = False


@dataclass(slots=True)
class Feed:
    """The teams of some namespaces (none given: of all), kept equal to the API server.

    ``on_batch`` hears of changed teams (None: gone), at most ten times a second and on the event loop.
    ``on_link`` hears when the connection is lost or stands again.
    """

    client: "Client"
    namespaces: Sequence[str]
    on_batch: Callable[[Batch], None]
    on_link: Callable[[Link], None]
    teams: dict[Key, Team] = field(default_factory=dict)
    _pending: Batch = field(default_factory=dict)
    _flushed_at: float = 0.0
    _scheduled: bool = False
    _reflectors: "list[Reflector[Team]]" = field(default_factory=list)

    async def run(self) -> None:
        """Until it is cancelled. A namespace that may not be read shows as a lost link; the others go on."""
        from kagents_core.api.resources import AGENT_TEAMS
        from kagents_core.kube.reflector import Reflector
        from kagents_core.kube.store import Store

        for namespace in self.namespaces or (None,):
            store: Store[Team] = Store(project)
            store.subscribe(self._take)
            self._reflectors.append(
                Reflector(
                    self.client,
                    AGENT_TEAMS,
                    store,
                    namespace=namespace,
                    on_state=lambda _: self._tell_link(),
                )
            )
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    def _take(self, changes: "Sequence[Change[Team]]") -> None:
        for change in changes:
            if change.new is None:
                self.teams.pop(change.key, None)
            else:
                self.teams[change.key] = change.new
            self._pending[change.key] = change.new
        if not self._scheduled:
            self._scheduled = True
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, self._flushed_at + FLUSH_SECONDS - loop.time()), self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        self._flushed_at = asyncio.get_running_loop().time()
        batch, self._pending = self._pending, {}
        if batch:
            self.on_batch(batch)

    def _tell_link(self) -> None:
        self.on_link(self.link())

    def link(self) -> Link:
        """The worst of the reflectors' connections."""
        states = [reflector.state for reflector in self._reflectors]
        synced = bool(self._reflectors) and all(each.synced.is_set() for each in self._reflectors)
        lost = [state for state in states if not state.connected]
        if lost:
            first = min(lost, key=lambda state: state.since)
            return Link(False, first.since, line(first.last_error or "", 300), synced)
        since = max((state.since for state in states), default=datetime.now(UTC))
        return Link(True, since, "", synced)


async def events_of(client: "Client", namespace: str, uid: str) -> list[dict[str, Any]]:
    """The Kubernetes events about one object, oldest first, at most the last 200."""
    from kagents_core.api.resources import EVENTS

    found = (await client.list(EVENTS, namespace, fields=f"involvedObject.uid={uid}")).items
    found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return found[-200:]
