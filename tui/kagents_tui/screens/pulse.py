"""The whole cluster on one screen, from the watches alone: nothing is asked of any team."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_tui import navigation
from kagents_tui.actions.bindings import bindings
from kagents_tui.feed import Batch
from kagents_tui.places import Look, Place
from kagents_tui.rows import pulse as rows
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.pulse import Gauge
from kagents_tui.screens.listing import Listing
from kagents_tui.widgets.table import Table


class PulseScreen(Listing, inherit_bindings=False):
    """Pulse."""

    kind = "pulse"
    BINDINGS: ClassVar[list[BindingType]] = bindings("pulse")

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda gauge: gauge.key,
            search=rows.search_text,
            empty="no teams yet",
            id="body",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self._count()
        self.table().focus()

    def table(self) -> Any:
        return self.query_one("#body", Table)

    def _count(self) -> None:
        app = self.kagents
        app.take_pulse()
        self.table().replace(rows.gauges(app.pulse, app.now()))

    def teams_changed(self, batch: Batch) -> None:
        """Counted by the second, not by the change."""

    def teams_replaced(self) -> None:
        if self.ready:
            self.table().replace(())

    def tick(self) -> None:
        super().tick()
        self._count()

    def open_item(self, item: object) -> None:
        """The teams that a line counts, or the one team that it names."""
        if not isinstance(item, Gauge) or item.leads is None:
            self.say(cell("this line leads nowhere; phases lead to their teams").text, "dim")
        elif isinstance(item.leads, tuple):
            self.kagents.run_worker(self.kagents.open_team(item.leads), group="screens", exit_on_error=False)
        else:
            navigation.go(self.kagents, Place("teams", look=Look(filter=item.leads)))

    def crumbs(self) -> Sequence[Cell]:
        app = self.kagents
        spaces = " ".join(app.namespaces) if app.namespaces else "all namespaces"
        began = app.pulse.began
        parts = [cell("Pulse", "strong"), cell(f"  {spaces}", "dim")]
        if self.ready and self.table().filter_text:
            parts.append(cell(f" /{self.table().filter_text}", "warn"))
        if began is not None:
            parts.append(cell(f"  curves since {age(app.now(), began) or '0s'}", "dim"))
        return parts
