"""What the lists of other kinds share: they watch while they are open, and act on their own objects."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from kagents_tui.actions import Action
from kagents_tui.bulk import BULK, Subject
from kagents_tui.rows import objects as rows
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.objects import Row
from kagents_tui.screens.kindlist import KindList
from kagents_tui.watched import Key, Watched
from kagents_tui.widgets.table import Table

if TYPE_CHECKING:
    from kagents_core.api.resources import Resource

GROUP: Final = "watching"


class WatchedList(KindList, inherit_bindings=False):
    """A list of one kind's objects. A subclass names the kind, its row and its columns."""

    resource: ClassVar["Resource"]
    heading: ClassVar[str]
    columns: ClassVar[Sequence[Any]]

    def __init__(self) -> None:
        super().__init__()
        self._watched: Watched[Any] | None = None
        self._connection: object = None

    def project(self, source: Mapping[str, Any]) -> Row | None:
        """The row of an object; None leaves it out."""
        raise NotImplementedError

    def order(self, row: Any, now: Any) -> Any:
        """The order when no column is chosen."""
        return row.key

    def key(self, row: Any) -> Hashable:
        """What tells rows apart."""
        return row.key  # type: ignore[no-any-return]

    def search(self, row: Any) -> str:
        """What a filter looks at."""
        return rows.search_text(row)

    def labels(self, row: Any) -> Mapping[str, str]:
        """The labels that a selector looks at."""
        return rows.labels_of(row)

    def row(self) -> Row | None:
        """The object under the cursor."""
        found: Row | None = self.table().current
        return found

    def watched_anew(self) -> None:
        """Another watch begins, with an empty list."""

    def taken(self, batch: Mapping[Key, Any]) -> None:
        """Rows of the watch have changed; None: they are gone."""
        self.table().apply(batch)

    def body(self) -> Any:
        yield Table(
            self.columns,
            scene=self.kagents.scene,
            key=self.key,
            search=self.search,
            order=self.order,
            labels=self.labels,
            empty="waiting for the first answer",
            id="body",
        )

    def _watch(self) -> None:
        """Watches the namespaces that are shown now, on the connection there is now."""
        app = self.kagents
        self.table().replace(())
        self._watched, self._connection = None, app.connection
        if app.connection is None:
            self.workers.cancel_group(self, GROUP)
            return
        self.watched_anew()
        watched: Watched[Any] = Watched(
            app.connection.client,
            self.resource,
            app.namespaces,
            self.project,
            lambda batch: self._take(watched, batch),
            self.refresh_bars,
        )
        self._watched = watched
        # A worker of the screen: it ends when the screen is closed, and the watch with it.
        self.run_worker(watched.run(), group=GROUP, exclusive=True, exit_on_error=False)

    def _take(self, watched: Watched[Any], batch: dict[Key, Any]) -> None:
        if watched is self._watched and self.ready:
            self.taken(batch)

    def teams_replaced(self) -> None:
        if self.ready:
            self._watch()

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        if self.kagents.connection is not self._connection:
            self._watch()
        if self._watched is not None and self._watched.synced:
            self.table().empty = f"no {self.heading.lower()} here"

    # Acts

    def subjects(self, action: Action, items: Sequence[Row]) -> list[Subject]:
        return [Subject(self.resource, *row.key, row.uid) for row in items]

    def perform(self, action: Action, arguments: tuple[str, ...]) -> None:
        """An act is about the object under the cursor, or about all that are marked."""
        table = self.table()
        if action.id in BULK and not arguments and not len(table.marks) and table.current is not None:
            self.act_on_all(action, [table.current])
        else:
            super().perform(action, arguments)

    def do_yaml(self, arguments: tuple[str, ...]) -> None:
        """The whole object."""
        from kagents_tui import describe as words
        from kagents_tui.screens.reading import ReadingScreen

        row = self.row()
        if row is not None:
            text = words.as_yaml(row.object())
            self.kagents.push_screen(ReadingScreen("YAML", row.key, text, keys=True, wrap=False))

    def do_describe(self, arguments: tuple[str, ...]) -> None:
        """Facts, conditions and events."""
        row = self.row()
        if row is not None:
            self.kagents.run_worker(self._describe(row), group="acts", exit_on_error=False)

    async def _describe(self, row: Row) -> None:
        from kagents_core.kube.errors import KubeError
        from kagents_tui import describe as words
        from kagents_tui.feed import events_of
        from kagents_tui.screens.reading import ReadingScreen

        app, events = self.kagents, []
        try:
            if app.connection is not None and row.uid:
                events = await events_of(app.connection.client, row.key[0], row.uid)
        except KubeError as error:
            events = [{"type": "Warning", "reason": "NotRead", "message": str(error)}]
        text = words.describe_object(row.object(), events, app.now())
        await app.push_screen(ReadingScreen("Describe", row.key, text, keys=True))

    def open_item(self, item: object) -> None:
        self.do_describe(())

    def open_team(self, key: Key) -> None:
        """Shows a team, when there is one of that name."""
        app = self.kagents
        if key in app.teams:
            app.run_worker(app.open_team(key), group="screens", exit_on_error=False)
        else:
            self.say(cell(f"there is no team {key[0]}/{key[1]} here").text, "dim")

    def crumbs(self) -> Sequence[Cell]:
        parts = self.listing_cells(self.heading)
        if self._watched is not None and self._watched.trouble:
            parts.append(cell(f"  {self.kagents.symbols.failed} {self._watched.trouble[:80]}", "bad"))
        return parts
