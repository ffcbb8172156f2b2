"""The log of an agent's container, followed; also of the container before its last restart."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from kagents_tui.actions.bindings import bindings
from kagents_tui.container_log import LogStream
from kagents_tui.rows.agentlog import LogLine
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key
from kagents_tui.screens.book import BookScreen

PAINT_SECONDS = 0.1


class LogScreen(BookScreen, inherit_bindings=False):
    """The log of one agent's pod."""

    kind = "log"
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")

    def __init__(self, key: Key, agent: str, pod: str, *, simulated: bool) -> None:
        super().__init__(key, agent)
        self.pod = pod
        self.simulated = simulated
        self.previous = False
        self._waiting: list[LogLine] = []
        self._due = False

    def on_mount(self) -> None:
        super().on_mount()
        self._start()

    def _start(self) -> None:
        self.state = "connecting"
        self._waiting.clear()
        self.book().clear()
        self.run_worker(self._read(), group="log", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        from kagents_core.kube.errors import KubeError

        connection = self.kagents.connection
        if connection is None:
            self.state = "not connected"
            return
        stream = LogStream(connection.client, self.key[0], self.pod, previous=self.previous)
        try:
            async for batch in stream.batches():
                self.state = "live"
                self._waiting += batch
                self._paint_soon()
            self.state = "ended"
        except KubeError as error:
            self.state = line(str(error), 200)
        self._paint_soon()

    def _paint_soon(self) -> None:
        if not self._due and self.ready:
            self._due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._due = False
        lines, self._waiting = self._waiting, []
        self.book().add(lines)
        self.refresh_bars()

    def do_previous_log(self, arguments: tuple[str, ...]) -> None:
        """The log of the container before its last restart, or the present one again."""
        self.previous = not self.previous
        self._start()
        self.refresh_bars()

    def crumbs(self) -> Sequence[Cell]:
        before = " before its restart" if self.previous else ""
        parts = [*self.way(f"Log of {self.agent}{before}")]
        if self.simulated:
            parts.append(cell("  [simulated]", "accent"))
        return [*parts, *self.standing()]
