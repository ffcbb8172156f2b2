"""Kubernetes events about the objects of kagents, the latest first."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import EVENTS
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows import objects as rows
from kagents_tui.rows.objects import Told
from kagents_tui.screens.watching import WatchedList


class EventsScreen(WatchedList, inherit_bindings=False):
    """All events. Enter shows the team that an event is about, or the event itself."""

    kind = "events"
    resource = EVENTS
    heading = "Events"
    columns = rows.EVENTS
    BINDINGS: ClassVar[list[BindingType]] = bindings("events")

    def project(self, source: Mapping[str, Any]) -> Told | None:
        return rows.told_of(source)

    def order(self, row: Told, now: Any) -> Any:
        return rows.told_order(row, now)

    def open_item(self, item: object) -> None:
        if isinstance(item, Told) and item.about_kind == "AgentTeam" and item.about in self.kagents.teams:
            self.open_team(item.about)
        else:
            self.do_yaml(())
