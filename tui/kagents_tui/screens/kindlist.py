"""What the lists over all teams share: namespaces on digits, all columns, marks, reading anew."""

from collections.abc import Sequence
from typing import Any

from kagents_tui.actions import Action
from kagents_tui.bulk import BULK, Subject
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.screens.listing import Listing
from kagents_tui.widgets.layout import cells_wide, first_that_fit
from kagents_tui.widgets.table import Table

REORDER_SECONDS = 10
"""How often the order is looked at again although nothing changed: mail becomes stale by waiting."""


class Marking(Listing, inherit_bindings=False):
    """A list whose rows can be marked. With marks, the acts of ``bulk.BULK`` are about all of them."""

    def subjects(self, action: Action, items: Sequence[Any]) -> list[Subject]:
        """What an act is about when these rows are marked."""
        return []

    def perform(self, action: Action, arguments: tuple[str, ...]) -> None:
        """An act on marked rows is one act on all of them."""
        if action.id in BULK and not arguments and len(self.table().marks):
            self.act_on_all(action, self.table().marks.items)
        else:
            super().perform(action, arguments)

    def act_on_all(self, action: Action, items: Sequence[Any]) -> None:
        """Starts an act on several rows; those that it was done to lose their marks."""
        from kagents_tui.bulk_acting import act_on_all

        table = self.table()
        keys = {subject: table.key_of(item) for item in items for subject in self.subjects(action, [item])}

        def done(subjects: Sequence[Subject]) -> None:
            if self.ready:
                table.marks.drop(keys.get(subject) for subject in subjects)
                table.refresh()
                self.refresh_bars()

        self.kagents.run_worker(
            act_on_all(self.kagents, action, self.subjects(action, items), done),
            group="acts",
            exit_on_error=False,
        )

    def do_mark(self, arguments: tuple[str, ...]) -> None:
        """The row, and on to the next."""
        self.table().mark()
        self.refresh_bars()

    def do_mark_range(self, arguments: tuple[str, ...]) -> None:
        """From the last marked row to the cursor."""
        self.table().mark_range()
        self.refresh_bars()

    def do_unmark(self, arguments: tuple[str, ...]) -> None:
        """No marks."""
        self.table().unmark()
        self.refresh_bars()


class KindList(Marking, inherit_bindings=False):
    """One table over all teams. ``kind`` is the action that opens it."""

    def __init__(self) -> None:
        super().__init__()
        self._ticks = 0

    def table(self) -> "Table[Any]":
        return self.query_one("#body", Table)

    def on_mount(self) -> None:
        super().on_mount()
        self.table().focus()

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        if self._ticks % REORDER_SECONDS == 0:
            self.table().reorder_if_due()
        self.table().tick()

    # Namespaces

    def rule_cells(self) -> Sequence[Cell]:
        """The namespaces of the digits, as many as have room."""
        app = self.kagents
        shown: list[Cell] = []
        for number, name in enumerate(("all", *app.favourites.names)):
            here = app.namespaces == (() if number == 0 else (name,))
            shown += [cell(f" {number}", "accent"), cell(f" {name}", "strong" if here else "dim")]
        if len(app.favourites.names) < 2:
            return ()
        room = self.size.width - cells_wide(self.crumbs()) - 8
        return [*first_that_fit(shown, room, together=2), cell(" ")] if room > 20 else ()

    def do_all_namespaces(self, arguments: tuple[str, ...]) -> None:
        """Every namespace."""
        self.show_namespaces(())

    def do_favourite(self, arguments: tuple[str, ...]) -> None:
        """One namespace alone, by its digit."""
        number, names = int(arguments[0]), self.kagents.favourites.names
        if number >= len(names):
            self.say(cell(f"no namespace has the digit {number + 1} yet; :ns lists them").text, "dim")
            return
        self.show_namespaces((names[number],))

    # Columns and rows

    def do_wide(self, arguments: tuple[str, ...]) -> None:
        """All columns, or those that fit."""
        table = self.table()
        table.show_wide(not table.wide)
        self.refresh_bars()

    def do_scroll_right(self, arguments: tuple[str, ...]) -> None:
        """Further right."""
        self._skip(+1)

    def do_scroll_left(self, arguments: tuple[str, ...]) -> None:
        """Further left."""
        self._skip(-1)

    def _skip(self, by: int) -> None:
        if self.table().wide:
            self.table().skip_columns(by)
        else:
            self.say(
                cell(f"every column that fits is shown; {self.kagents.keymap.words('wide')} shows all").text,
                "dim",
            )

    def do_people(self, arguments: tuple[str, ...]) -> None:
        """Only what needs a person, or everything."""
        table = self.table()
        table.show_people(not table.only_people)
        self.refresh_bars()

    def do_refresh(self, arguments: tuple[str, ...]) -> None:
        """Everything is read anew."""
        self.kagents.show_namespaces(self.kagents.namespaces)
        self.say(cell("reading everything anew").text, "dim")
