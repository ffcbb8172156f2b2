"""What the lists of mail and of tasks over all teams share: journals, gathered while the list is open.

What is new is taken in a slice at a time, so that keys have their turn while fifty journals arrive.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar, Final

from kagents_tui.feed import Batch
from kagents_tui.filters import FilterError, Labels, selector
from kagents_tui.gathering import Gathering, Source, wanted
from kagents_tui.navigation import drill
from kagents_tui.places import Look
from kagents_tui.rows import gathered
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.teams import Team, labels_of
from kagents_tui.screens.kindlist import KindList

GROUP: Final = "gathering"
PAINT_SECONDS: Final = 0.1
"""At most so often what is new is taken in and painted."""
NEXT_SECONDS: Final = 0.01
"""Between two slices of what is new."""
SLICE: Final = 500
"""Changed rows that are taken in at once."""


class Across(KindList, inherit_bindings=False):
    """A list of what the journals of all teams tell. A row has a ``key`` that begins with its team's."""

    heading: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    """The entries of a journal that it is about."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: tuple[str, ...] = ()
        """Only teams that have these labels are read."""
        self.gathering: Gathering | None = None
        self._selectors: list[Callable[[Labels], bool]] = []
        self._begun = False
        """It is known which teams are asked for."""
        self._connection: object = None
        self._pending: dict[Any, Any] = {}
        self._paint_due = False

    # What a list says

    def changed_rows(self, source: Source) -> Mapping[Any, Any]:
        """The rows of a team that have changed; None for one that is gone."""
        raise NotImplementedError

    def rows_of(self, source: Source) -> Mapping[Any, Any]:
        """The rows that there may be of a team that is gone."""
        raise NotImplementedError

    def take_rows(self, changes: Mapping[Any, Any]) -> None:
        """Shows changed rows."""
        self.table().apply(changes)

    def forget_rows(self) -> None:
        """Shows nothing any more."""
        self.table().replace(())

    # The teams that are read

    def arrive(self, look: Look) -> None:
        self._choose(look.labels)
        super().arrive(replace(look, labels=()))  # they choose teams, and are no filter of rows
        self._wanted = look

    def look(self) -> Look:
        return replace(super().look(), labels=self.labels) if self.ready else super().look()

    def _choose(self, labels: tuple[str, ...]) -> None:
        if self._begun and labels == self.labels:
            return
        try:
            self._selectors = [selector(each) for each in labels]
        except FilterError as error:
            self.say(cell(str(error)).text, "warn")
            return
        self.labels, self._begun = labels, True
        self._gather()

    def _chosen(self, team: Team) -> bool:
        shown = self.kagents.namespaces
        if shown and team.key[0] not in shown:
            return False
        labels = labels_of(team) if self._selectors else {}
        return all(selects(labels) for selects in self._selectors)

    def _gather(self, *, known: bool = True) -> None:
        """Reads the teams there are, on the connection there is; without ``known`` those that come now."""
        app = self.kagents
        self.gathering, self._connection = None, app.connection
        self._pending.clear()
        self.forget_rows()
        if app.connection is None:
            self.workers.cancel_group(self, GROUP)
            return
        self.gathering = Gathering(app.connection.client, self.kinds, self._changed, app.now)
        self.gathering.take(wanted(dict(app.teams) if known else {}, self._chosen))
        # A worker of the screen: it ends when the screen is closed, and every stream with it.
        self.run_worker(self.gathering.run(), group=GROUP, exclusive=True, exit_on_error=False)

    def teams_changed(self, batch: Batch) -> None:
        if self.ready and self.gathering is not None:
            self.gathering.take(wanted(batch, self._chosen))

    def teams_replaced(self) -> None:
        if self.ready:
            self._gather(known=False)  # those that the application still has are of before

    # What is new

    def _changed(self) -> None:
        if not self._paint_due and self.ready:
            self._paint_due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def _paint(self) -> None:
        self._paint_due = False
        if not self.ready or self.gathering is None:
            return
        parted, changed = self.gathering.news()
        for source in parted:
            self._pending |= dict.fromkeys(self.rows_of(source))
        for source in changed:
            self._pending |= self.changed_rows(source)
        now = dict(islice(self._pending.items(), SLICE))
        for key in now:
            del self._pending[key]
        if now:
            self.take_rows(now)
        if self._pending:
            self._paint_due = True
            self.set_timer(NEXT_SECONDS, self._paint)
        self.refresh_bars()

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if self.ready and self._begun and self.kagents.connection is not self._connection:
            self._gather()

    # What is selected, and where it leads

    def selected(self) -> Team | None:
        item = self.table().current if self.ready else None
        return None if item is None else self.kagents.teams.get(item.key[:2], item.team)

    def do_jump_agent(self, arguments: tuple[str, ...]) -> None:
        """To the team, with the cursor on the agent."""
        team, agent = self.selected(), self.selected_agent()
        if team is None or agent is None:
            self.say(cell("this row names no agent of its team").text, "warn")
            return
        from kagents_tui.screens.team import TeamScreen

        screen = TeamScreen(team.key)
        screen.pointed = agent
        drill(self.kagents, screen)

    def do_sources(self, arguments: tuple[str, ...]) -> None:
        """How every team's journal stands."""
        from kagents_tui.screens.reading import ReadingScreen

        if self.gathering is not None:
            text = gathered.standing_text(self.gathering, self.kagents.scene())
            self.kagents.push_screen(ReadingScreen("Teams read", None, text, wrap=False))

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter, reads teams of every label again, then goes back."""
        if self.labels and not self.table().filter_text:
            self._choose(())
            self.refresh_bars()
        else:
            super().do_back(arguments)

    # Bars

    def crumbs(self) -> Sequence[Cell]:
        if not self.ready:
            return ()
        parts = self.listing_cells(self.heading)
        parts += [cell(f" {' '.join(self.labels)}", "warn")] if self.labels else []
        if self.gathering is not None:
            parts += gathered.standing_cells(self.gathering, self.kagents.scene())
        return parts
