"""Objects of one kind for one view: listed and watched while the view is open, and not a moment longer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from kagents_core.safetext import SafeText
from kagents_tui.rows.fields import line

if TYPE_CHECKING:
    from kagents_core.api.resources import Resource
    from kagents_core.kube.client import Client
    from kagents_core.kube.reflector import Reflector
    from kagents_core.kube.store import Change

Item = TypeVar("Item")
Key = tuple[str, str]
FLUSH_SECONDS: Final = 0.1


@dataclass(slots=True)
class Watched(Generic[Item]):
    """Keeps a view equal to the API server, in some namespaces (none given: all, or a kind without any).

    ``project`` slims an object to its row (None leaves it out). ``on_batch`` hears of changed rows (None:
    gone), at most ten times a second; ``on_state`` that ``trouble`` or ``synced`` may have changed.
    """

    client: "Client"
    resource: "Resource"
    namespaces: Sequence[str]
    project: Callable[[Mapping[str, Any]], Item | None]
    on_batch: Callable[[dict[Key, Item | None]], None]
    on_state: Callable[[], None]
    _pending: dict[Key, Item | None] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None
    _reflectors: "list[Reflector[Item]]" = field(default_factory=list)

    async def run(self) -> None:
        """Until it is cancelled."""
        from kagents_core.kube.reflector import Reflector
        from kagents_core.kube.store import Store

        scopes: Sequence[str | None] = self.namespaces if self.resource.namespaced else ()
        for namespace in scopes or (None,):
            store: Store[Item] = Store(self.project)
            store.subscribe(self._take)
            self._reflectors.append(
                Reflector(
                    self.client,
                    self.resource,
                    store,
                    namespace=namespace,
                    on_state=lambda _: self.on_state(),
                )
            )
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in self._reflectors:
                    group.create_task(reflector.run())
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _take(self, changes: "Sequence[Change[Item]]") -> None:
        for change in changes:
            self._pending[change.key] = change.new
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._timer = None
        batch, self._pending = self._pending, {}
        if batch:
            self.on_batch(batch)

    @property
    def synced(self) -> bool:
        """Whether every list has arrived once."""
        return bool(self._reflectors) and all(each.synced.is_set() for each in self._reflectors)

    @property
    def trouble(self) -> SafeText:
        """Why what is shown may be old or incomplete, in one sentence; empty when it is neither."""
        for reflector in self._reflectors:
            if not reflector.state.connected and reflector.state.last_error:
                return line(reflector.state.last_error, 300)
        return line("")
