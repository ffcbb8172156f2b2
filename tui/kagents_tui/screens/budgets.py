"""Budgets over several teams."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_BUDGETS
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows import budgets as rows
from kagents_tui.rows.budgets import Budget
from kagents_tui.screens.watching import WatchedList


class BudgetsScreen(WatchedList, inherit_bindings=False):
    """All budgets, the worst state first. Enter tells all of one."""

    kind = "budgets"
    resource = AGENT_BUDGETS
    heading = "Budgets"
    columns = rows.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings("budgets")

    def project(self, source: Mapping[str, Any]) -> Budget:
        return rows.budget_of(source)

    def search(self, row: Budget) -> str:
        return rows.search_text(row)

    def order(self, row: Budget, now: Any) -> Any:
        return rows.order(row, now)
