"""The contexts of the kubeconfig, to choose one."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from kagents_tui.actions.bindings import bindings
from kagents_tui.rows.cells import Cell
from kagents_tui.rows.choices import CONTEXTS, Context, contexts_of
from kagents_tui.screens.listing import Listing
from kagents_tui.widgets.table import Table


class ContextsScreen(Listing, inherit_bindings=False):
    """Contexts."""

    kind = "context"
    BINDINGS: ClassVar[list[BindingType]] = bindings("context")

    def body(self) -> Any:
        yield Table(
            CONTEXTS,
            scene=self.kagents.scene,
            key=lambda context: context.name,
            search=lambda context: context.shown,
            empty="there is no other context",
            id="body",
        )

    def table(self) -> "Table[Any]":
        return cast("Table[Context]", self.query_one("#body", Table))

    def on_mount(self) -> None:
        super().on_mount()
        app, table = self.kagents, self.table()
        here = app.connection.context if app.connection else None
        table.replace(contexts_of(app.connector.contexts(), here))
        table.move_to(next((index for index, each in enumerate(table.rows) if each.here), 0))
        table.focus()

    def open_item(self, item: object) -> None:
        if isinstance(item, Context):
            self.change_context(item.name)

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Contexts")
