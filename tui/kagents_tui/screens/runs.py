"""Runs of templates."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_TEAM_RUNS
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows import objects as rows
from kagents_tui.rows.objects import Run
from kagents_tui.screens.watching import WatchedList


class RunsScreen(WatchedList, inherit_bindings=False):
    """All runs. Enter shows the run's team."""

    kind = "runs"
    resource = AGENT_TEAM_RUNS
    heading = "Runs"
    columns = rows.RUNS
    BINDINGS: ClassVar[list[BindingType]] = bindings("runs")

    def project(self, source: Mapping[str, Any]) -> Run:
        return rows.run_of(source)

    def order(self, row: Run, now: Any) -> Any:
        return rows.run_order(row, now)

    def open_item(self, item: object) -> None:
        if isinstance(item, Run):
            self.open_team((item.key[0], item.team_name))
