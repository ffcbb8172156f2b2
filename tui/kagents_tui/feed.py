"""Live teams: reflectors fill stores, and what changed reaches the screens at most ten times a second."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText
from kagents_tui.rows.attention import DEFAULTS
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key, Team, project
from kagents_tui.settings import Thresholds

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_core.kube.reflector import Reflector, ReflectorState
    from kagents_core.kube.store import Change

FLUSH_SECONDS: Final = 0.1
Batch = dict[Key, Team | None]


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection stands. ``since`` is when it became so; ``error`` is one harmless sentence.

    What may not be read, or is not installed, is no lost connection: ``missing`` says it, and the way out.
    """

    connected: bool
    since: datetime
    error: str = ""
    synced: bool = False
    missing: tuple[SafeText, ...] = ()


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
    thresholds: Thresholds = DEFAULTS
    teams: dict[Key, Team] = field(default_factory=dict)
    _pending: Batch = field(default_factory=dict)
    _flushed_at: float = 0.0
    _scheduled: bool = False
    _ended: bool = False
    _reflectors: "list[Reflector[Team]]" = field(default_factory=list)

    async def run(self) -> None:
        """Until it is cancelled. What may not be read is said in the link; the other namespaces go on."""
        from kagents_core.api.resources import AGENT_TEAMS
        from kagents_core.kube.reflector import Reflector
        from kagents_core.kube.store import Store

        for namespace in self.namespaces or (None,):
            store: Store[Team] = Store(partial(project, thresholds=self.thresholds))
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
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in self._reflectors:
                    group.create_task(reflector.run())
        finally:
            self.leave()

    def leave(self) -> None:
        """Nobody looks at these teams any more: what still comes in, or was about to be told, is dropped."""
        self._ended = True

    @property
    def painting_soon(self) -> bool:
        """Whether the next batch is due within a tenth of a second."""
        return self._scheduled and not self._ended

    def _take(self, changes: "Sequence[Change[Team]]") -> None:
        if self._ended:
            return
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
        if batch and not self._ended:
            self.on_batch(batch)

    def _tell_link(self) -> None:
        if not self._ended:
            self.on_link(self.link())

    def link(self) -> Link:
        """The worst of the reflectors' connections."""
        states = [reflector.state for reflector in self._reflectors]
        synced = bool(self._reflectors) and all(each.synced.is_set() for each in self._reflectors)
        missing = tuple(filter(None, map(self._missing, self._reflectors)))
        lost = [state for state in states if not (state.connected or self._refused(state))]
        if lost:
            first = min(lost, key=lambda state: state.since)
            return Link(False, first.since, line(first.last_error or "", 300), synced, missing)
        since = max((state.since for state in states), default=datetime.now(UTC))
        return Link(True, since, "", synced, missing)

    def _refused(self, state: "ReflectorState") -> bool:
        """Whether the server answers, but not with teams."""
        from kagents_core.kube.errors import Forbidden, NotFound

        return isinstance(state.cause, (Forbidden, NotFound))

    def _missing(self, reflector: "Reflector[Team]") -> SafeText:
        """Why a namespace, or all of them, cannot be listed, and the way out; empty when they can."""
        from kagents_core.kube.errors import NotFound

        state = reflector.state
        if state.connected or not self._refused(state):
            return line("")
        if isinstance(state.cause, NotFound):
            return line(
                "kagents is not installed in this cluster: no AgentTeam is defined; install the chart"
            )
        if reflector.namespace is not None:
            return line(
                f"you may not list agentteams in {reflector.namespace}; ask for the right to, or `:ns` others"
            )
        own = getattr(getattr(self.client, "config", None), "namespace", "") or "NAME"
        return line(f"you may not list agentteams in all namespaces; name those you may, as in `:ns {own}`")


async def events_of(client: "Client", namespace: str, uid: str) -> list[dict[str, Any]]:
    """The Kubernetes events about one object, oldest first, at most the last 200."""
    from kagents_core.api.resources import EVENTS

    found = (await client.list(EVENTS, namespace, fields=f"involvedObject.uid={uid}")).items
    found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return found[-200:]
