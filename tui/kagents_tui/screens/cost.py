"""What each team has cost, those that are gone included."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_USAGES
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows import costs as rows
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.costs import Spender
from kagents_tui.rows.objects import Row, row_of
from kagents_tui.rows.teams import Team, money
from kagents_tui.screens.watching import WatchedList
from kagents_tui.watched import Key


class CostScreen(WatchedList, inherit_bindings=False):
    """All teams that have cost anything. Enter shows the team, or what its record says."""

    kind = "cost"
    resource = AGENT_USAGES
    heading = "Cost"
    columns = rows.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings("cost")

    def __init__(self) -> None:
        super().__init__()
        self._living, self._recorded = rows.Source(), rows.Source()

    def project(self, source: Mapping[str, Any]) -> Any:
        return rows.of_record(source)

    def key(self, row: Spender) -> Hashable:
        return row.key

    def search(self, row: Spender) -> str:
        return rows.search_text(row)

    def labels(self, row: Spender) -> Mapping[str, str]:
        return dict(row.labels)

    def order(self, row: Spender, now: Any) -> Any:
        return rows.order(row, now)

    # Two sources of one list: a team that lives hides its record

    def watched_anew(self) -> None:
        self._living, self._recorded = rows.Source(), rows.Source()
        self.teams_changed(self.kagents.teams)

    def taken(self, batch: Mapping[Key, Any]) -> None:
        self._show(self._recorded.take(batch))

    def teams_changed(self, batch: Mapping[Key, Team | None]) -> None:
        if self.ready:
            told = {key: None if team is None else rows.of_team(team) for key, team in batch.items()}
            self._show(self._living.take(told))

    def _show(self, touched: Iterable[str]) -> None:
        self.table().apply({uid: self._living.of(uid) or self._recorded.of(uid) for uid in touched})
        self.refresh_bars()

    # What can be looked at

    def row(self) -> Row | None:
        spender: Spender | None = self.table().current
        if spender is None or spender.record is not None:
            return spender.record if spender else None
        team = self.kagents.teams.get(spender.team)
        return None if team is None else row_of(team.object())

    def open_item(self, item: object) -> None:
        if isinstance(item, Spender) and item.record is None:
            self.open_team(item.team)
        else:
            self.do_describe(())

    def crumbs(self) -> Sequence[Cell]:
        shown = [row for row in self.table().rows if isinstance(row, Spender)]
        total = money(sum(row.cost for row in shown), estimated=any(row.estimated for row in shown))
        return [*super().crumbs(), cell(f"  {total}", "strong")]
