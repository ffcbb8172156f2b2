"""The tasks of one team: a board of four columns, or a list; what became of each, and who claimed it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal

from kagents_tui.actions.bindings import bindings
from kagents_tui.journal.changes import Changes
from kagents_tui.navigation import drill
from kagents_tui.places import Look
from kagents_tui.rows import tasks as rows
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.tasks import BOARD, Card
from kagents_tui.rows.teams import Key
from kagents_tui.screens.followed import Followed
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.pane import Pane
from kagents_tui.widgets.table import Table

BOARD_WIDE: Final = 72
"""From this many columns on, the board's columns are shown side by side."""

COLUMN_IDS: Final = {name: f"column-{name.replace(' ', '-')}" for name in BOARD}
SHORT: Final = {"pending": "todo", "in progress": "doing", "completed": "done", "blocked": "blocked"}
LIST: Final = "list"


class TasksScreen(Followed, inherit_bindings=False):
    """Tasks."""

    kind = "tasks"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tasks")
    DEFAULT_CSS = """
    TasksScreen #board { height: 1fr; }
    TasksScreen #list { height: 1fr; }
    TasksScreen.narrow Pane > Bar { display: none; }
    """

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.board = True
        self.column = "in progress"
        self.pointed: str | None = None
        """The task to put the cursor on as soon as it is there."""
        self._shown = False

    def body(self) -> Any:
        scene, rule = self.kagents.scene, self.kagents.symbols.rule
        yield Bar(id="tabs")
        with Horizontal(id="board"):
            for name in BOARD:
                table: Table[Card] = Table(
                    rows.CARD_COLUMNS, scene=scene, key=lambda c: c.task.key, search=rows.card_search,
                    order=rows.card_order, detail=rows.card_detail, header=False, empty="none",
                )  # fmt: skip
                yield Pane(name.capitalize(), table, rule=rule, id=COLUMN_IDS[name])
        yield Table(
            rows.LIST_COLUMNS, scene=scene, key=lambda c: c.task.key, search=rows.card_search,
            order=rows.card_order, empty="no tasks yet", id=LIST,
        )  # fmt: skip

    def on_mount(self) -> None:
        self._arrange()
        super().on_mount()

    # The tasks

    def take_in(self, changes: Changes) -> None:
        if not changes.tasks and self._shown:
            return
        cards = rows.cards_of(self.following.tail.view.tasks)
        for name in BOARD:
            self._pane(name).table.replace([each for each in cards if each.place == name])
        self._list().replace(cards)
        if not self._shown and cards:
            self._shown = True
            if not self._pane(self.column).table.rows:
                self.column = next(each for each in BOARD if self._pane(each).table.rows)
                self._focus_column()
        if self.pointed is not None:
            self.point_at(self.pointed)

    def forget(self) -> None:
        self._shown = False
        for name in BOARD:
            self._pane(name).table.replace(())
        self._list().replace(())

    def point_at(self, key: str) -> None:
        """Puts the cursor on a task, wherever it stands; one that is not there yet is waited for."""
        self.pointed = key
        for name in BOARD:
            if self.board and any(card.task.key == key for card in self._pane(name).table.rows):
                self.column = name
        for index, card in enumerate(self.table().rows):
            if card.task.key == key:
                self.pointed = None
                self._focus_column()
                self.table().move_to(index)

    # Board and list

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{COLUMN_IDS[name]}", Pane)

    def _list(self) -> Any:
        return self.query_one(f"#{LIST}", Table)

    def table(self) -> Any:
        return self._pane(self.column).table if self.board else self._list()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.size.width < BOARD_WIDE
        self.set_class(narrow, "narrow")
        self.query_one("#board").display = self.board
        self._list().display = not self.board
        self.query_one("#tabs").display = self.board and narrow
        for name in BOARD:
            self._pane(name).display = not narrow or name == self.column
        self.refresh_bars()

    def _focus_column(self) -> None:
        self._arrange()
        self.table().focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click into a column makes it the active one."""
        for name in BOARD:
            if event.widget is self._pane(name).table and name != self.column:
                self.column = name
                self._arrange()

    def do_toggle_view(self, arguments: tuple[str, ...]) -> None:
        """Board, or list; the cursor stays on its task."""
        card: Card | None = self.table().current
        text = self.table().filter_text
        self.board = not self.board
        for name in BOARD:
            self._pane(name).table.set_filter(text)
        self._list().set_filter(text)
        if card is not None:
            self.point_at(card.task.key)
        self._focus_column()

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        """The filter counts for the whole board."""
        super().typed(purpose, text, done)
        self._filter_board(self.table().filter_text)

    def _filter_board(self, text: str) -> None:
        if self.board:
            for name in BOARD:
                self._pane(name).table.set_filter(text)
            self.refresh_bars()

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter of the whole board first, then goes back."""
        filtered = bool(self.table().filter_text)
        super().do_back(arguments)
        if filtered:
            self._filter_board("")

    def look(self) -> Look:
        return replace(super().look(), other=not self.board) if self.ready else super().look()

    def arrive(self, look: Look) -> None:
        self.board = not look.other
        self._arrange()
        super().arrive(look)
        self._filter_board(self.table().filter_text)

    def do_column_left(self, arguments: tuple[str, ...]) -> None:
        """The column on the left."""
        self._step(-1)

    def do_column_right(self, arguments: tuple[str, ...]) -> None:
        """The column on the right."""
        self._step(+1)

    def _step(self, by: int) -> None:
        if not self.board:
            key = self.kagents.keymap.words("toggle_view")
            self.say(cell(f"the list has no columns to go to; {key} shows the board").text, "dim")
            return
        self.column = BOARD[(BOARD.index(self.column) + by) % len(BOARD)]
        self._focus_column()

    def tick(self) -> None:
        super().tick()
        for table in self.query(Table):
            if table.display and table.is_on_screen:
                table.tick()

    # Where it leads

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.reading import ReadingScreen

        if isinstance(item, Card):
            known = self.following.tail.view.tasks
            text = rows.whole_task(item.task, known, self.kagents.scene())
            drill(self.kagents, ReadingScreen(f"Task {item.task.number}", self.key, text))

    def selected_agent(self) -> str | None:
        card: Card | None = self.table().current
        return str(card.task.owner) if card and card.task.owner else None

    def do_jump_agent(self, arguments: tuple[str, ...]) -> None:
        """To the task's owner."""
        owner = self.selected_agent()
        if owner is None:
            self.say(cell("nobody owns this task").text, "warn")
        else:
            self.to_agent(owner)

    # Bars

    def crumbs(self) -> Sequence[Cell]:
        if not self.ready:
            return ()
        known = self.following.tail.view.tasks
        parts = self.short_cells("Tasks")
        parts += [cell(f"[{len(known)}]", "dim"), cell("  "), self.live_cell()]
        if self.table().filter_text:
            parts.append(cell(f" /{self.table().filter_text}", "warn"))
        twice = sum(1 for each in known.values() if each.taken_from)
        if twice:
            parts.append(cell(f"  {self.kagents.symbols.warning} {twice} claimed twice", "warn"))
        return parts

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        tabs = [cell(" ")]
        for name in BOARD:
            pane, on = self._pane(name), name == self.column
            pane.show_title(None, active=on)
            words = f"{SHORT[name]} {len(pane.table.rows)}"
            tabs.append(cell(f"[{words}]" if on else f" {words} ", "strong" if on else "dim"))
        self.query_one("#tabs", Bar).show(tabs)
