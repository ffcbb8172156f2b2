"""A list over all teams whose rows follow from the teams' objects alone, as gates and artifacts do."""

from collections.abc import Hashable, Iterable
from typing import Any, Protocol

from kagents_tui.feed import Batch
from kagents_tui.rows.teams import Team
from kagents_tui.screens.kindlist import KindList


class Row(Protocol):
    """A row, and the team that it follows from."""

    @property
    def key(self) -> Hashable: ...
    @property
    def team(self) -> Team: ...


class Derived(KindList, inherit_bindings=False):
    """``rows_of`` says which rows teams have."""

    def rows_of(self, teams: Iterable[Team]) -> Iterable[Row]:
        """The rows of some teams."""
        raise NotImplementedError

    def on_mount(self) -> None:
        super().on_mount()
        self.table().replace(self.rows_of(self.kagents.teams.values()))

    def teams_changed(self, batch: Batch) -> None:
        if not self.ready:
            return
        changes: dict[Hashable, Row | None] = {
            key: None for key, row in self.table().items.items() if row.team.key in batch
        }
        there = [team for team in batch.values() if team is not None]
        self.table().apply(changes | {row.key: row for row in self.rows_of(there)})

    def teams_replaced(self) -> None:
        if self.ready:
            self.table().replace(())

    def row(self) -> Any:
        """The row under the cursor, if there is one."""
        return self.table().current

    def selected(self) -> Team | None:
        row: Row | None = self.row()
        return row.team if row else None
