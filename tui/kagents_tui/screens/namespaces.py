"""The namespaces that were seen or may be listed, to choose one, several or all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from kagents_core.api.resources import NAMESPACES
from kagents_tui import navigation
from kagents_tui.actions.bindings import bindings
from kagents_tui.feed import Batch
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.choices import ALL, SPACES, Space, created_of, spaces_of
from kagents_tui.screens.kindlist import Marking
from kagents_tui.watched import Key, Watched
from kagents_tui.widgets.table import Table


class NamespacesScreen(Marking, inherit_bindings=False):
    """Namespaces. Enter shows the one under the cursor, or all that are marked."""

    kind = "namespace"
    BINDINGS: ClassVar[list[BindingType]] = bindings("namespace")

    def __init__(self) -> None:
        super().__init__()
        self._created: dict[str, datetime | None] = {}
        self._watched: Watched[tuple[str, datetime | None]] | None = None

    def body(self) -> Any:
        yield Table(
            SPACES,
            scene=self.kagents.scene,
            key=lambda space: space.name,
            search=lambda space: space.shown,
            empty="no namespace was seen yet; :ns NAME shows one",
            id="body",
        )

    def table(self) -> "Table[Any]":
        return cast("Table[Space]", self.query_one("#body", Table))

    def on_mount(self) -> None:
        super().on_mount()
        self._fill()
        table = self.table()
        table.move_to(next((index for index, each in enumerate(table.rows) if each.here), 0))
        table.focus()
        connection = self.kagents.connection
        if connection is not None:
            self._watched = Watched(
                connection.client, NAMESPACES, (), created_of, self._named, self.refresh_bars
            )
            # A worker of the screen: it ends when the screen is closed.
            self.run_worker(self._watched.run(), exit_on_error=False)

    def _named(self, batch: dict[Key, tuple[str, datetime | None] | None]) -> None:
        for (_, name), found in batch.items():
            if found is None:
                self._created.pop(name, None)
            else:
                self._created[name] = found[1]
        self._fill()

    def _fill(self) -> None:
        if not self.ready:
            return
        app = self.kagents
        self.table().replace(
            spaces_of(
                {*self._created, *app.favourites.known, *app.namespaces},
                app.teams.values(),
                here=app.namespaces,
                digits=app.favourites.names,
                created=self._created,
            )
        )

    def teams_changed(self, batch: Batch) -> None:
        self._fill()

    def open_item(self, item: object) -> None:
        marked = self.table().marks.items or [item]
        names = tuple(each.name for each in marked if isinstance(each, Space))
        navigation.leave(self.kagents)
        self.show_namespaces(() if ALL in names else names)

    def crumbs(self) -> Sequence[Cell]:
        parts = self.listing_cells("Namespaces")
        if self._watched is not None and self._watched.trouble:
            parts.append(cell("  only those with teams: you may not list namespaces", "dim"))
        return parts
