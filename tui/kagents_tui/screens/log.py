"""An agent's log, followed. Bounded memory; search, wrap, and a key to stay where one reads."""

import codecs
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.safetext import clean
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key
from kagents_tui.screens.reading import ReadingScreen
from kagents_tui.screens.view import bindings
from kagents_tui.widgets.document import Document

KEPT_LINES = 10_000
FIRST_LINES = 1_000
LONGEST_LINE = 16_384
PAINT_SECONDS = 0.1


class LogScreen(ReadingScreen, inherit_bindings=False):
    """The log of one agent's pod."""

    kind = "log"
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")

    def __init__(self, key: Key, agent: str, pod: str, *, simulated: bool) -> None:
        super().__init__(f"Log of {agent}", key, clean(""))
        self.agent = agent
        self.pod = pod
        self.simulated = simulated
        self.state = "connecting"
        self._waiting: list[str] = []
        self._due = False

    def body(self) -> Any:
        yield Document(limit=KEPT_LINES, follow=True, id="body")

    def on_mount(self) -> None:
        super().on_mount()
        self.document().lines.clear()
        self.run_worker(self._read(), group="log", exit_on_error=False)

    async def _read(self) -> None:
        from kagents_core.kube.errors import KubeError

        connection = self.kagents.connection
        if connection is None or self.key is None:
            self.state = "not connected"
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        try:
            async for chunk in connection.client.logs(
                self.key[0], self.pod, container="agent", follow=True, tail=FIRST_LINES
            ):
                self.state = "live"
                *whole, rest = (rest + decoder.decode(chunk)).split("\n")
                if len(rest) > LONGEST_LINE:
                    whole, rest = [*whole, rest], ""
                self._waiting += [each.rstrip("\r") for each in whole]
                self._paint_soon()
            self.state = "ended"
        except KubeError as error:
            self.state = line(str(error), 200)
        if rest:
            self._waiting.append(rest)
        self._paint_soon()

    def _paint_soon(self) -> None:
        if not self._due and self.ready:
            self._due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._due = False
        lines, self._waiting = self._waiting, []
        self.document().append(lines[-KEPT_LINES:])
        self.refresh_bars()

    def do_follow(self, arguments: tuple[str, ...]) -> None:
        """Follows the end, or stays."""
        document = self.document()
        document.follow = not document.follow
        if document.follow:
            document.move("last")
        self.refresh_bars()

    def crumbs(self) -> Sequence[Cell]:
        parts = [*super().crumbs()]
        if self.simulated:
            parts.append(cell("  [simulated]", "accent"))
        tone = "good" if self.state == "live" else "dim"
        parts.append(cell(f"  {self.state}", tone))  # type: ignore[arg-type]  # one of two tones
        if self.ready:
            document = self.document()
            parts.append(cell(f"  follow {'on' if document.follow else 'off'}", "dim"))
            if document.dropped:
                parts.append(cell(f"  {document.dropped} older lines dropped", "dim"))
        return parts
