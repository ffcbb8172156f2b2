"""Every gate that waits for a person, across all teams."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.actions import Action
from kagents_tui.actions.bindings import bindings
from kagents_tui.bulk import Subject, without_event
from kagents_tui.feed import Batch
from kagents_tui.rows import gates as rows
from kagents_tui.rows import teams
from kagents_tui.rows.cells import Cell
from kagents_tui.rows.gates import Gate
from kagents_tui.rows.teams import Team
from kagents_tui.screens.kindlist import KindList
from kagents_tui.widgets.table import Table


class GatesScreen(KindList, inherit_bindings=False):
    """Gates."""

    kind = "gates"
    BINDINGS: ClassVar[list[BindingType]] = bindings("gates")

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda gate: gate.key,
            search=rows.search_text,
            order=rows.order,
            labels=lambda gate: teams.labels_of(gate.team),
            empty="no gate waits for anybody",
            id="body",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.table().replace(rows.gates_of(self.kagents.teams.values()))

    def teams_changed(self, batch: Batch) -> None:
        if self.ready:
            self.table().apply(rows.changes(self.table().items, batch))

    def teams_replaced(self) -> None:
        if self.ready:
            self.table().replace(())

    def selected(self) -> Team | None:
        gate: Gate | None = self.table().current
        return gate.team if gate else None

    def selected_event(self) -> str | None:
        gate: Gate | None = self.table().current
        return gate.event if gate else None

    def subjects(self, action: Action, items: Sequence[Gate]) -> list[Subject]:
        found = [Subject(AGENT_TEAMS, *gate.team.key, gate.team.uid, gate.event) for gate in items]
        return found if action.id in ("approve", "deny") else without_event(found)

    def open_item(self, item: object) -> None:
        if isinstance(item, Gate):
            self.kagents.run_worker(
                self.kagents.open_team(item.team.key), group="screens", exit_on_error=False
            )

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Gates")
