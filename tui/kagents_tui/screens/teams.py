"""The list of teams, what needs a person first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.actions import Action
from kagents_tui.actions.bindings import bindings
from kagents_tui.bulk import Subject
from kagents_tui.feed import Batch
from kagents_tui.rows import teams as rows
from kagents_tui.rows.cells import Cell
from kagents_tui.rows.teams import Team
from kagents_tui.screens.kindlist import KindList
from kagents_tui.widgets.table import Table


class TeamsScreen(KindList, inherit_bindings=False):
    """All teams."""

    kind = "teams"
    BINDINGS: ClassVar[list[BindingType]] = bindings("teams")

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda team: team.key,
            search=rows.search_text,
            order=rows.order,
            labels=rows.labels_of,
            ages=rows.may_become_due,
            people=rows.needs_person,
            empty="waiting for the first answer",
            id="body",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.table().replace(list(self.kagents.teams.values()))

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

    def selected(self) -> Team | None:
        found: Team | None = self.table().current
        return found

    def subjects(self, action: Action, items: Sequence[Team]) -> list[Subject]:
        teams = [Subject(AGENT_TEAMS, *team.key, team.uid) for team in items]
        if action.id not in ("approve", "deny"):
            return teams
        return [
            replace(subject, event=need.event)
            for subject, team in zip(teams, items, strict=True)
            for need in team.needs
            if need.kind == "gate"
        ]

    def open_item(self, item: object) -> None:
        if isinstance(item, Team):
            self.kagents.run_worker(self.kagents.open_team(item.key), group="screens", exit_on_error=False)

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Teams")
