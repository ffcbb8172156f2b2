"""One agent: its turns, its mail, its tasks and what became of it, in one log, live."""

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Self

from textual.binding import BindingType

from kagents_tui.actions import BY_ID
from kagents_tui.actions.bindings import bindings
from kagents_tui.container_log import LogStream
from kagents_tui.feed import Batch
from kagents_tui.following import Following
from kagents_tui.journal.changes import Changes
from kagents_tui.places import Place
from kagents_tui.rows.agentlog import (
    LABEL,
    LogLine,
    happening_line,
    mail_line,
    of_container,
    task_lines,
    told_elsewhere,
    turn_lines,
)
from kagents_tui.rows.agents import Agent, agents_of, doing
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key, finished
from kagents_tui.screens.book import BookScreen
from kagents_tui.turns import follow

PAINT_SECONDS = 0.1


class AgentScreen(BookScreen, inherit_bindings=False):
    """The merged log of one agent.

    What it says and does comes from its transcript; from its container's log when it is simulated, when its
    team has ended, or when the transcript may not be read.
    """

    kind = "agent"
    BINDINGS: ClassVar[list[BindingType]] = bindings("agent")
    labels = LABEL
    following: Following
    changes: Changes

    def __init__(self, key: Key, agent: str) -> None:
        super().__init__(key, agent)
        self._waiting: list[LogLine] = []
        self._told: set[tuple[str, object]] = set()
        self._due = False

    @classmethod
    def at(cls, place: Place) -> Self:
        namespace, team, name, *_ = place.about
        screen = cls((namespace, team), name)
        screen._wanted = place.look
        return screen

    def place(self) -> Place:
        return Place(self.kind, (*self.key, self.agent), self.look())

    def on_mount(self) -> None:
        self.following = Following.join(self.kagents, self.key, self)
        self.changes = self.following.tail.view.watch()
        super().on_mount()
        self._start()

    def on_unmount(self) -> None:
        self.following.tail.view.unwatch(self.changes)
        self.following.leave(self)

    def _start(self) -> None:
        self._told.clear()
        self._waiting.clear()
        self.book().clear()
        self.run_worker(self._read(), group="turns", exclusive=True, exit_on_error=False)
        self._paint_soon()

    # The journal

    def journal_changed(self) -> None:
        """Something is new."""
        self._paint_soon()

    def journal_replaced(self, why: str) -> None:
        """Another team of the same name."""
        self.changes = self.following.tail.view.watch()
        if self.ready:
            self._start()
            self.say(cell(why).text, "warn")

    def teams_changed(self, batch: Batch) -> None:
        if self.key in batch:
            self.following.teams_changed(batch)

    def _journal_lines(self) -> list[LogLine]:
        """What the journal has told of this agent since one last looked; each thing once."""
        changes, found = self.changes.take(), list[LogLine | None]()
        for key, mail in changes.mail.items():
            if mail is not None and self._is_new("mail", key):
                found.append(mail_line(mail, self.agent))
        for key, task in changes.tasks.items():
            for each in task_lines(task, self.agent) if task is not None else ():
                if self._is_new(f"task {key}", (each.at, each.text)):
                    found.append(each)
        for key, happening in changes.timeline.items():
            if happening is not None and self._is_new("team", key):
                found.append(happening_line(happening, self.agent))
        return [each for each in found if each is not None]

    def _is_new(self, kind: str, key: object) -> bool:
        if (kind, key) in self._told:
            return False
        self._told.add((kind, key))
        return True

    # The turns

    async def _read(self) -> None:
        from kagents_core.kube.errors import KubeError
        from kagents_tui.acts import ActError

        try:
            async for batch in self._turns():
                self._waiting += batch
                self._paint_soon()
            self.state = "ended"
        except (ActError, KubeError) as error:
            self.state = line(str(error), 200)
        self._paint_soon()

    async def _turns(self) -> AsyncIterator[list[LogLine]]:
        from kagents_core.kube.errors import Forbidden
        from kagents_tui.acts import ActError

        await self.following.known.wait()
        connection, agent = self.kagents.connection, self.shown_agent()
        if connection is None or agent is None:
            raise ActError("not connected" if connection is None else f"the team has no agent {self.agent}")
        if not (agent.simulated or self._ended()):
            calls: set[str] = set()
            try:
                async for turn in follow(connection.client, self.following.object, self.agent, self._stands):
                    yield [] if told_elsewhere(turn, calls) else list(turn_lines(turn))
            except (ActError, Forbidden) as error:
                self.say(line(f"{error}; what follows is the log of its container", 300), "warn")
        if not agent.pod:
            raise ActError("no pod yet")
        async for batch in LogStream(connection.client, self.key[0], agent.pod).batches():
            self._stands("live")
            yield [each for each in map(of_container, batch) if each is not None]

    def _stands(self, state: str) -> None:
        self.state = state
        self._paint_soon()

    def _ended(self) -> bool:
        return self.following.team is not None and finished(self.following.team)

    def shown_agent(self) -> Agent | None:
        """The agent as it is now."""
        known = agents_of(self.following.object, self.following.tail.view)
        return next((each for each in known if each.key == self.agent), None)

    # Painting

    def _paint_soon(self) -> None:
        if not self._due and self.ready:
            self._due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._due = False
        if self.ready:
            lines, self._waiting = self._waiting, []
            self.book().add([*lines, *self._journal_lines()])
            self.refresh_bars()

    def do_open(self, arguments: tuple[str, ...]) -> None:
        """Down to the whole transcript."""
        self.perform(BY_ID["transcript"], ())

    def crumbs(self) -> Sequence[Cell]:
        parts = self.way(self.agent)
        agent = self.shown_agent() if self.ready else None
        if agent is not None:
            parts += [cell("  "), doing(agent, self.kagents.scene())]
            if agent.simulated:
                parts.append(cell("  [simulated]", "accent"))
        return [*parts, *self.standing()]
