"""The transcript of one agent, in full: page by page backwards, followed at its end."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_tui.actions.bindings import bindings
from kagents_tui.rows.agentlog import LogLine, whole_turn
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Team
from kagents_tui.screens.book import BookScreen
from kagents_tui.turns import PAGE_TURNS, follow, page

PAINT_SECONDS = 0.1


class TranscriptScreen(BookScreen, inherit_bindings=False):
    """Every turn of one agent."""

    kind = "transcript"
    BINDINGS: ClassVar[list[BindingType]] = bindings("transcript")
    limit = 50_000

    def __init__(self, team: Team, agent: str) -> None:
        super().__init__(team.key, agent)
        self.team = team
        self.begin: int | None = None
        """Where the first turn that is shown begins in the file."""
        self._waiting: list[LogLine] = []
        self._due = False
        self._paging = False

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._read(), group="turns", exclusive=True, exit_on_error=False)

    def selected(self) -> Team | None:
        return self.team

    async def _read(self) -> None:
        from kagents_core.kube.errors import KubeError
        from kagents_tui.acts import ActError

        connection = self.kagents.connection
        try:
            if connection is None:
                raise ActError("not connected")
            turns = follow(connection.client, self.team.object(), self.agent, self._stands, last=PAGE_TURNS)
            async for turn in turns:
                self.begin = turn.begin if self.begin is None else self.begin
                self._waiting += whole_turn(turn)
                self._paint_soon()
        except (ActError, KubeError) as error:
            self._stands(line(str(error), 200))

    def _stands(self, state: str) -> None:
        self.state = state
        self._paint_soon()

    def _paint_soon(self) -> None:
        if not self._due and self.ready:
            self._due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._due = False
        if self.ready:
            lines, self._waiting = self._waiting, []
            self.book().add(lines)
            self.refresh_bars()

    # Older pages

    def perform(self, action: Any, arguments: tuple[str, ...]) -> None:
        """Going up at the very top brings what is before."""
        at_top = self.ready and int(self.book().scroll_offset.y) == 0
        super().perform(action, arguments)
        if at_top and action.id in ("up", "page_up", "first"):
            self.do_older(())

    def do_older(self, arguments: tuple[str, ...]) -> None:
        """The page before."""
        if not self.begin:
            self.say(cell("this is the beginning" if self.begin == 0 else "nothing is here yet").text, "dim")
        elif not self._paging:
            self._paging = True
            self.run_worker(self._older(self.begin), group="older", exit_on_error=False)

    async def _older(self, before: int) -> None:
        from kagents_core.kube.errors import KubeError
        from kagents_tui.acts import ActError

        connection = self.kagents.connection
        try:
            if connection is None:
                raise ActError("not connected")
            turns = await page(
                connection.client, self.team.object(), self.agent, before=before, last=PAGE_TURNS
            )
            self.book().insert_before([each for turn in turns for each in whole_turn(turn)])
            self.begin = turns[0].begin if turns else 0
        except (ActError, KubeError) as error:
            self.say(line(str(error), 300), "warn")
        finally:
            self._paging = False

    def do_next_turn(self, arguments: tuple[str, ...]) -> None:
        """To the next turn."""
        self._turn(+1)

    def do_previous_turn(self, arguments: tuple[str, ...]) -> None:
        """To the turn before."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        if not self.book().jump(("turn",), step):
            before = f"the first that is loaded; {self.kagents.keymap.words('older')} loads older ones"
            self.say(cell("there is no turn further on" if step > 0 else before).text, "dim")

    def crumbs(self) -> Sequence[Cell]:
        return [*self.way(f"Transcript of {self.agent}"), *self.standing()]
