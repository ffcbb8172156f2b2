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

from kagents_core.asks import Mode, questions_of
from kagents_tui.actions import BY_ID
from kagents_tui.feed import Batch
from kagents_tui.rows import teams
from kagents_tui.rows import waiting as rows
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line, mapping
from kagents_tui.rows.peek import MODES
from kagents_tui.rows.teams import Team
from kagents_tui.rows.waiting import Waiting
from kagents_tui.screens.attention_peek import Peek, load
from kagents_tui.screens.kindlist import REORDER_SECONDS, KindList
from kagents_tui.screens.view import bindings
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.table import Table

GUARD_SECONDS: Final = 0.7
"""How long after the shown thing changed by itself no key answers it."""


class AttentionScreen(KindList, inherit_bindings=False):
    """Attention."""

    kind = "attention"
    BINDINGS: ClassVar[list[BindingType]] = bindings("attention")
    DEFAULT_CSS = """
    AttentionScreen Table { height: 2fr; }
    AttentionScreen #peek { height: 3fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.peeking = False
        self.shown: Peek | None = None
        """What stands below the list in full; None while it is read or cannot be."""
        self._reading: Hashable = None
        self._guarded_until = 0.0
        self._answered: dict[Hashable, None] = {}
        """What was answered and is still in the object: it is not shown again."""

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

    @property
    def document(self) -> Document:
        """What is asked, in full."""
        return self.query_one("#peek", Document)

    def on_mount(self) -> None:
        self.document.can_focus = False
        self._arrange()
        super().on_mount()
        self._fill()

    # What is listed

    def _fill(self) -> None:
        found = rows.waiting_of(self.kagents.teams.values(), self.kagents.now())
        keys = {each.key for each in found}
        self._answered = {key: None for key in self._answered if key in keys}
        self._show([each for each in found if each.key not in self._answered])

    def _show(self, items: Sequence[Waiting]) -> None:
        before = self._current_key()
        self.table().replace(items)
        self._changed_by_itself(before)

    def teams_changed(self, batch: Batch) -> None:
        if not self.ready:
            return
        table, before = self.table(), self._current_key()
        found = rows.changes(table.items, batch, self.kagents.now())
        table.apply({key: item for key, item in found.items() if item is None or key not in self._answered})
        self._changed_by_itself(before)

    def teams_replaced(self) -> None:
        if self.ready:
            self._answered = {}
            self._show(())

    def tick(self) -> None:
        super().tick()
        if self._ticks % REORDER_SECONDS == 0:  # mail becomes stale, agents silent, by waiting
            found = {each.key for each in rows.waiting_of(self.kagents.teams.values(), self.kagents.now())}
            if found - self._answered.keys() != self.table().items.keys():
                self._fill()

    def _current_key(self) -> Hashable:
        current: Waiting | None = self.table().current
        return current.key if current is not None else None

    def _changed_by_itself(self, before: Hashable) -> None:
        if self.peeking and self._current_key() != before:
            self._guarded_until = monotonic() + GUARD_SECONDS
        self._look()

    # Peek

    def do_peek(self, arguments: tuple[str, ...]) -> None:
        """What is asked, in full, or the list alone."""
        self.peeking = not self.peeking
        self._arrange()
        self._look()

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
            if self.shown is not None:
                self.shown.item = item
            return
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

    # Answering

    def _facing(self, verb: str) -> Peek | None:
        """What a key may answer now; None, with a word why, when the person may not have seen it."""
        item: Waiting | None = self.table().current
        if item is None:
            self.say(cell("nothing waits for an answer").text, "dim")
        elif not item.need.for_person:
            self.say(line(f"{item.kind} needs no answer; enter opens the team, m writes to the agent"), "dim")
        elif not self.peeking:
            self.do_peek(())
            self.say(line(f"this is what is asked; {verb} once you have read it"), "accent")
        elif monotonic() < self._guarded_until:
            self.say(cell("the list has just moved on; look again").text, "warn")
        elif self.shown is None or self.shown.item.key != item.key:
            self.say(cell("it is not shown in full, so it cannot be answered yet").text, "warn")
        else:
            return self.shown
        return None

    def do_allow(self, arguments: tuple[str, ...]) -> None:
        """Allows what is shown; a question: sends the choice."""
        peek = self._facing("press a")
        if peek is None:
            return
        if peek.is_question and not peek.next_question():
            self.say(cell("choose by a digit first, or press o for own words").text, "warn")
            self.document.replace(peek.text())
        elif peek.is_question and not peek.complete:
            self.document.replace(peek.text())
        else:
            self._send(peek, allow=True)

    def do_choose(self, arguments: tuple[str, ...]) -> None:
        """An option of the question, or the way of working of a plan."""
        number = int(arguments[0]) + 1
        peek = self._facing("choose")
        if peek is None:
            return
        if peek.is_plan:
            if number > len(MODES):
                self.say(cell("a plan is approved by 1, 2 or 3; ? tells which is which").text, "warn")
                return
            mode: Mode = MODES[number - 1][0]
            self._send(peek, allow=True, mode=mode)
        elif not peek.is_question:
            self.say(cell("digits choose an option of a question").text, "dim")
        elif not peek.choose(number):
            self.say(cell(f"the question has no option {number}").text, "warn")
        elif peek.complete and peek.single:
            self._send(peek, allow=True)
        else:
            self.document.replace(peek.text())

    def do_own_words(self, arguments: tuple[str, ...]) -> None:
        """An answer in own words."""
        peek = self._facing("press o")
        if peek is None:
            return
        if not peek.is_question:
            self.say(cell("only a question is answered in own words; r refuses with a reason").text, "dim")
            return
        self.run_worker(self._ask_words(peek), group="acts", exit_on_error=False)

    async def _ask_words(self, peek: Peek) -> None:
        from kagents_tui.screens.wording import Words

        question = questions_of(mapping(peek.entry.get("input")))[peek.at].text
        text = await self.kagents.push_screen_wait(
            Words(f"{peek.item.need.agent} asks: {question}", "Answer")
        )
        if text:
            peek.say(text)
            if peek.next_question() and peek.complete:
                self._send(peek, allow=True)
            elif self.shown is peek:
                self.document.replace(peek.text())

    def do_refuse(self, arguments: tuple[str, ...]) -> None:
        """Refuses it with a reason; a gate is denied in its dialog."""
        peek = self._facing("press r")
        if peek is None:
            return
        if peek.item.need.request is None:
            self.act_on_team(BY_ID["deny"], ())
        else:
            self.run_worker(self._ask_reason(peek), group="acts", exit_on_error=False)

    async def _ask_reason(self, peek: Peek) -> None:
        from kagents_tui.screens.wording import Words

        verb = "Reject" if peek.is_plan else "Refuse"
        words = Words(f"{verb}: {peek.item.need.text}", verb, empty=True, hint="the reason, for the agent")
        reason = await self.kagents.push_screen_wait(words)
        if reason is not None:
            self._send(peek, allow=False, reason=reason)

    def _send(self, peek: Peek, *, allow: bool, reason: str = "", mode: Mode | None = None) -> None:
        """Sends the answer in the background, and is on the next thing at once."""
        if peek.item.key in self._answered:
            return
        self._answered[peek.item.key] = None
        self.run_worker(
            self._deliver(peek, allow=allow, reason=reason, mode=mode), group="acts", exit_on_error=False
        )
        before = self._current_key()
        self.table().apply({peek.item.key: None})
        self._changed_by_itself(before)

    async def _deliver(self, peek: Peek, *, allow: bool, reason: str, mode: Mode | None) -> None:
        from kagents_tui.screens.attention_peek import deliver

        problem = await deliver(self.kagents, peek, allow=allow, reason=reason, mode=mode)
        who = f"{peek.item.need.agent or peek.item.need.event} of {peek.item.team.name}"
        if problem is None:
            word = "allowed" if allow else "refused"
            self.kagents.say(line(f"{who}: {'answered' if peek.is_question and allow else word}"), "good")
            return
        self._answered.pop(peek.item.key, None)
        if self.ready:
            self._fill()
        self.kagents.say(line(f"{who}: {problem}"), "warn")

    def rule_cells(self) -> Sequence[Cell]:
        """No namespaces: digits choose answers here."""
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
            title += [cell("  "), *(self.shown.hint() if self.shown else ()), cell(" ")]
        self.query_one("#peek-title", Bar).show(title)
