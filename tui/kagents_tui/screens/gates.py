"""Every gate that waits for a person, across all teams."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.actions import Action
from kagents_tui.actions.bindings import bindings
from kagents_tui.bulk import Subject, without_event
from kagents_tui.rows import gates as rows
from kagents_tui.rows import teams
from kagents_tui.rows.cells import Cell
from kagents_tui.rows.gates import Gate
from kagents_tui.rows.teams import Team
from kagents_tui.screens.derived import Derived
from kagents_tui.widgets.table import Table


class GatesScreen(Derived, inherit_bindings=False):
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

    def rows_of(self, teams: Iterable[Team]) -> list[Gate]:
        return rows.gates_of(teams)

    def selected_event(self) -> str | None:
        gate: Gate | None = self.row()
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
