"""Templates of teams."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.api.resources import AGENT_TEAM_TEMPLATES
from kagents_tui import navigation
from kagents_tui.actions.bindings import bindings
from kagents_tui.places import Look, Place
from kagents_tui.rows import objects as rows
from kagents_tui.rows.objects import Template
from kagents_tui.screens.watching import WatchedList


class TemplatesScreen(WatchedList, inherit_bindings=False):
    """All templates. Enter shows the runs of one."""

    kind = "templates"
    resource = AGENT_TEAM_TEMPLATES
    heading = "Templates"
    columns = rows.TEMPLATES
    BINDINGS: ClassVar[list[BindingType]] = bindings("templates")

    def project(self, source: Mapping[str, Any]) -> Template:
        return rows.template_of(source)

    def open_item(self, item: object) -> None:
        if isinstance(item, Template):
            look = Look(filter=rf"\b{re.escape(item.template_name)}\b")
            navigation.go(self.kagents, Place("runs", look=look))
