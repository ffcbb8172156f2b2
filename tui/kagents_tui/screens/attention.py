"""Everything that waits for a person, across all teams: look at it, answer it by a key, and on to the next.

A key answers only what stands below the list in full. When that changes by itself (somebody else answered, a
more urgent thing came, one's own answer was sent) keys that answer are refused for a moment: nobody allows
what they have not seen.
"""

from collections.abc import Hashable, Sequence
from time import monotonic
from typing import Any, ClassVar, Final

from textual.binding import BindingType
from textual.containers import Vertical

from kagents_tui.actions.bindings import bindings
from kagents_tui.feed import Batch
from kagents_tui.rows import teams
from kagents_tui.rows import waiting as rows
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Team
from kagents_tui.rows.waiting import Waiting
from kagents_tui.screens.attention_answering import Answering
from kagents_tui.screens.attention_peek import load
from kagents_tui.screens.kindlist import REORDER_SECONDS
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.table import Table

GUARD_SECONDS: Final = 0.7
"""How long after the shown thing changed by itself no key answers it."""


class AttentionScreen(Answering, inherit_bindings=False):
    """Attention."""

    kind = "attention"
    BINDINGS: ClassVar[list[BindingType]] = bindings("attention")
    DEFAULT_CSS = """
    AttentionScreen Table { height: 2fr; }
    AttentionScreen #peek { height: 3fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._reading: Hashable = None

    def body(self) -> Any:
        with Vertical(id="body"):
            yield Table(
                rows.COLUMNS,
                scene=self.kagents.scene,
                key=lambda item: item.key,
                search=rows.search_text,
                order=rows.order,
                labels=lambda item: teams.labels_of(item.team),
                empty="nothing waits for anybody",
                id="waiting",
            )
            yield Bar(id="peek-title", fill=self.kagents.symbols.rule)
            yield Document(limit=10_000, id="peek")

    def table(self) -> "Table[Any]":
        return self.query_one("#waiting", Table)

    def on_mount(self) -> None:
        self.document.can_focus = False
        self._arrange()
        super().on_mount()
        self.fill()

    # What is listed

    def fill(self) -> None:
        found = rows.waiting_of(self.kagents.teams.values(), self.kagents.now())
        keys = {each.key for each in found}
        self.answered = {key: None for key in self.answered if key in keys}
        self._show([each for each in found if each.key not in self.answered])

    def _show(self, items: Sequence[Waiting]) -> None:
        before = self.current_key()
        self.table().replace(items)
        self.changed_by_itself(before)

    def teams_changed(self, batch: Batch) -> None:
        if not self.ready:
            return
        table, before = self.table(), self.current_key()
        found = rows.changes(table.items, batch, self.kagents.now())
        table.apply({key: item for key, item in found.items() if item is None or key not in self.answered})
        self.changed_by_itself(before)

    def teams_replaced(self) -> None:
        if self.ready:
            self.answered = {}
            self._show(())

    def tick(self) -> None:
        super().tick()
        if self._ticks % REORDER_SECONDS == 0:  # mail becomes stale, agents silent, by waiting
            found = {each.key for each in rows.waiting_of(self.kagents.teams.values(), self.kagents.now())}
            if found - self.answered.keys() != self.table().items.keys():
                self.fill()

    def changed_by_itself(self, before: Hashable) -> None:
        if self.peeking and self.current_key() != before:
            self.guarded_until = monotonic() + GUARD_SECONDS
        self._look()

    # Peek

    def do_peek(self, arguments: tuple[str, ...]) -> None:
        """What is asked, in full, or the list alone."""
        self.peeking = not self.peeking
        self._arrange()
        self._look()

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Closes what is asked first, then goes back as every list."""
        if self.peeking:
            self.do_peek(())
        else:
            super().do_back(arguments)

    def _arrange(self) -> None:
        self.document.display = self.query_one("#peek-title").display = self.peeking
        self.refresh_bars()

    def _look(self) -> None:
        """Reads what the cursor is on, unless it stands there already."""
        item: Waiting | None = self.table().current
        if not self.peeking or item is None:
            self._forget_shown(cell("" if item is None else " ").text)
            return
        if self._reading == item.key:
            if self.shown is None or self.shown.generation == item.team.generation:
                if self.shown is not None:
                    self.shown.item = item
                return
            self.guarded_until = monotonic() + GUARD_SECONDS  # another spec: it is read anew
        self._forget_shown(line("reading ..."))
        self._reading = item.key
        self.run_worker(self._read(item), group="peek", exclusive=True, exit_on_error=False)

    def _forget_shown(self, text: Any) -> None:
        self.shown, self._reading = None, None
        self.workers.cancel_group(self, "peek")
        self.document.replace(text)
        self.refresh_bars()

    async def _read(self, item: Waiting) -> None:
        peek = await load(self.kagents.connection, item)
        if self._reading != item.key or not self.ready:
            return
        if peek.answerable:
            self.shown = peek
        self.document.replace(peek.text())
        self.document.move("first")
        self.refresh_bars()

    def do_peek_down(self, arguments: tuple[str, ...]) -> None:
        """Further down in what is asked."""
        self.document.move("page_down")

    def do_peek_up(self, arguments: tuple[str, ...]) -> None:
        """Further up in what is asked."""
        self.document.move("page_up")

    def on_table_moved(self, event: Table.Moved) -> None:
        super().on_table_moved(event)
        self._look()

    def rule_cells(self) -> Sequence[Cell]:
        """No namespaces: their keys choose answers here."""
        return ()

    # What the keys are about

    def selected(self) -> Team | None:
        item: Waiting | None = self.table().current
        return item.team if item else None

    def selected_event(self) -> str | None:
        item: Waiting | None = self.table().current
        return item.need.event or None if item else None

    def selected_agent(self) -> str | None:
        item: Waiting | None = self.table().current
        if item is None:
            return None
        return item.need.request.agent if item.need.request else str(item.need.agent) or None

    def open_item(self, item: object) -> None:
        if isinstance(item, Waiting):
            self.kagents.run_worker(
                self.kagents.open_team(item.team.key), group="screens", exit_on_error=False
            )

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Attention") if self.ready else ()

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        item: Waiting | None = self.table().current
        title = [cell(f"{self.kagents.symbols.rule} ", "dim")]
        if item is not None:
            where = f"{item.team.key[0]}/{item.team.key[1]}"
            title += [
                cell(item.kind, rows.tone(item.need)),
                cell(f"  {where}  "),
                Cell(item.need.agent, "strong"),
            ]
            title += [cell("  "), *self._hint(item), cell(" ")]
        self.query_one("#peek-title", Bar).show(title)

    def _hint(self, item: Waiting) -> Sequence[Cell]:
        """The keys that answer what is shown; of what needs no answer, those that lead on."""
        keymap = self.kagents.keymap
        if self.shown is not None:
            return self.shown.hint(keymap)
        if item.need.for_person:
            return ()
        return [cell(f"{keymap.words('open')} team  {keymap.words('message')} write", "accent")]
