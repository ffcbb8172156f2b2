"""The list of teams, what needs a person first."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from kagents_tui.feed import Batch
from kagents_tui.rows import teams as rows
from kagents_tui.rows.cells import Cell
from kagents_tui.rows.teams import Team
from kagents_tui.screens.listing import Listing
from kagents_tui.screens.view import bindings
from kagents_tui.widgets.table import Table

REORDER_SECONDS = 10
"""How often the order is looked at again although nothing changed: mail becomes stale by waiting."""


class TeamsScreen(Listing, inherit_bindings=False):
    """All teams."""

    kind = "teams"
    BINDINGS: ClassVar[list[BindingType]] = bindings("teams")

    def __init__(self) -> None:
        super().__init__()
        self._ticks = 0

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda team: team.key,
            search=rows.search_text,
            order=rows.order,
            empty="no teams yet; `kagents apply -f TEAM.yaml` makes one",
            id="body",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.table().empty = "waiting for the first answer"
        self.table().replace(list(self.kagents.teams.values()))
        self.table().focus()

    def table(self) -> Any:
        return cast("Table[Team]", self.query_one("#body", Table))

    def teams_changed(self, batch: Batch) -> None:
        if self.ready:
            self.table().apply(batch)

    def teams_replaced(self) -> None:
        if self.ready:
            self.table().replace(())

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if self.ready and self.kagents.link is not None and self.kagents.link.synced:
            self.table().empty = "no teams yet; `kagents apply -f TEAM.yaml` makes one"

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        if self._ticks % REORDER_SECONDS == 0:
            self.table().arrange_rows()
        else:
            self.table().tick()

    def selected(self) -> Team | None:
        found: Team | None = self.table().current
        return found

    def open_item(self, item: object) -> None:
        if isinstance(item, Team):
            self.kagents.run_worker(self.kagents.open_team(item.key), group="screens", exit_on_error=False)

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Teams")
