"""The tasks of all teams in one list: who does what, since when, what is held up, who claimed it twice."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_tui.actions.bindings import bindings
from kagents_tui.gathering import TASKS, Source
from kagents_tui.navigation import drill
from kagents_tui.rows import all_tasks as rows
from kagents_tui.rows.all_tasks import Duty
from kagents_tui.rows.teams import labels_of
from kagents_tui.screens.across import Across
from kagents_tui.widgets.table import Table


class AllTasksScreen(Across, inherit_bindings=False):
    """All tasks. Enter shows the team's tasks with the cursor on this one."""

    kind = "all-tasks"
    heading = "All tasks"
    kinds = TASKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("all-tasks")

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, str], set[rows.Key]] = {}

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda duty: duty.key,
            search=rows.search_text,
            order=rows.order,
            labels=lambda duty: labels_of(duty.team),
            ages=lambda duty: False,
            empty="no tasks yet",
            id="body",
        )

    def changed_rows(self, source: Source) -> Mapping[rows.Key, Duty | None]:
        source.changes.take()
        now = rows.duties(source.team, source.view.tasks)
        before = self._known.get(source.team.key, set())
        self._known[source.team.key] = set(now)
        return dict.fromkeys(before - now.keys()) | now

    def rows_of(self, source: Source) -> Mapping[rows.Key, None]:
        return dict.fromkeys(self._known.pop(source.team.key, ()))

    def forget_rows(self) -> None:
        self._known.clear()
        super().forget_rows()

    def selected_agent(self) -> str | None:
        duty: Duty | None = self.table().current
        return str(duty.card.task.owner) if duty and duty.card.task.owner else None

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.tasks import TasksScreen

        if isinstance(item, Duty):
            screen = TasksScreen(item.team.key)
            screen.pointed = item.card.task.key
            drill(self.kagents, screen)
