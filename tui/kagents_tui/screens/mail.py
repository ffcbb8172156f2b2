"""All mail of one team: in threads or message by message, filtered, read, answered.

Messages are taken in one by one as they come; a hundred thousand cost what is on the screen. A filter looks
at them in slices, between which keys and paints have their turn.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.containers import Vertical

from kagents_tui.actions import BY_ID
from kagents_tui.filters import FilterError
from kagents_tui.journal.changes import Changes
from kagents_tui.journal.mail import Mail
from kagents_tui.navigation import drill
from kagents_tui.places import Look
from kagents_tui.rows import mail as rows
from kagents_tui.rows import threads
from kagents_tui.rows.agents import agents_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.teams import Key
from kagents_tui.rows.threads import Pair, Thread, Threads
from kagents_tui.screens.followed import Followed
from kagents_tui.screens.view import bindings
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.table import Table

SLICE: Final = 4_000
"""Messages that a filter looks at before others have their turn."""

PREVIEW_TALL: Final = 22
"""From this many lines on there is room for the message below the list."""


class MailScreen(Followed, inherit_bindings=False):
    """Mail."""

    kind = "mail"
    BINDINGS: ClassVar[list[BindingType]] = bindings("mail")
    DEFAULT_CSS = """
    MailScreen Table { height: 3fr; }
    MailScreen #preview { height: 2fr; }
    """

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.threads = Threads()
        self.threaded = False
        self.between: Pair | None = None
        """The two whose messages alone are shown."""
        self.filter_text = ""
        self.unread = False
        self.previewed = True
        self._matches: Callable[[Mail], bool] | None = None
        self._late: dict[str, Mail | None] | None = None
        """While a filter is being applied: what has changed meanwhile."""
        self._shown: Mail | None = None
        self._unseen: tuple[int, datetime | None] = (0, None)

    def body(self) -> Any:
        scene = self.kagents.scene
        with Vertical(id="body"):
            yield Table(
                rows.FULL_COLUMNS, scene=scene, key=lambda m: m.key, search=rows.search_text, tail=True,
                empty="no mail yet", id="messages",
            )  # fmt: skip
            yield Table(
                threads.COLUMNS, scene=scene, key=lambda t: t.key, search=threads.search_text,
                order=threads.order, empty="no mail yet", id="threads",
            )  # fmt: skip
            yield Bar(id="preview-title", fill=self.kagents.symbols.rule)
            yield Document(limit=5_000, id="preview")

    def on_mount(self) -> None:
        self.query_one("#preview", Document).can_focus = False
        self._arrange()
        super().on_mount()

    # The mail

    @property
    def messages(self) -> Any:
        """The table of messages."""
        return self.query_one("#messages", Table)

    def table(self) -> Any:
        return self.query_one("#threads" if self.threaded else "#messages", Table)

    def take_in(self, changes: Changes) -> None:
        if not changes.mail:
            return
        waiting = [at for each in self.following.tail.view.unseen.values() for at in each.values() if at]
        self._unseen = (len(waiting), min(waiting, default=None))
        table: Any = self.query_one("#threads", Table)
        table.apply(self.threads.apply(changes.mail))
        if self._late is not None:
            self._late |= changes.mail
        else:
            self.messages.apply(self._passing(changes.mail))
        self._preview()

    def _passing(self, changes: dict[str, Mail | None]) -> dict[str, Mail | None]:
        """The changes as the table of messages takes them: what does not pass is not there."""
        return {
            key: mail if mail is not None and self._passes(mail) else None for key, mail in changes.items()
        }

    def _passes(self, mail: Mail) -> bool:
        return (self.between is None or threads.pair(mail) == self.between) and (
            self._matches is None or self._matches(mail)
        )

    def forget(self) -> None:
        self.threads, self._unseen = Threads(), (0, None)
        self.messages.replace(())
        self.query_one("#threads", Table).replace(())

    def _narrow(self) -> None:
        """Shows what passes now: at once when there is little mail, else slice by slice."""
        mail = self.following.tail.view.mail
        kept = self.threads.between.get(self.between) if self.between else None
        source: Iterable[Mail] = kept.mail.values() if kept is not None else mail.values()
        everything = list(source)
        if self._matches is None or len(everything) <= SLICE:
            self.workers.cancel_group(self, "narrow")
            self._late = None
            self.messages.replace([each for each in everything if self._passes(each)])
            self._preview()
        else:
            self._late = {}
            self.run_worker(
                self._narrow_slowly(everything), group="narrow", exclusive=True, exit_on_error=False
            )
        self.refresh_bars()

    async def _narrow_slowly(self, everything: Sequence[Mail]) -> None:
        found: list[Mail] = []
        for start in range(0, len(everything), SLICE):
            found += [each for each in everything[start : start + SLICE] if self._passes(each)]
            await asyncio.sleep(0)
        late, self._late = self._late, None
        self.messages.replace(found)
        self.messages.apply(self._passing(late or {}))
        self._preview()
        self.refresh_bars()

    # Filter and way back

    def look(self) -> Look:
        """``people``: only what nobody has looked at."""
        table = self.messages
        return Look(
            filter=self.filter_text,
            sort=table.sorted_by,
            reversed=table.reversed,
            people=self.unread,
            other=self.threaded,
        )

    def arrive(self, look: Look) -> None:
        self._wanted, self.unread = look, look.people
        threaded = look.other and not look.filter  # which is one of messages
        if threaded != self.threaded:
            self._show_threads(threaded)
        self.messages.order_by(look.sort, reverse=look.reversed)
        self._filter(look.filter)

    def do_filter(self, arguments: tuple[str, ...]) -> None:
        """Opens the filter line."""
        self.open_prompt("filter", self.table().filter_text if self.threaded else self.filter_text)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        if self.threaded:
            super().typed(purpose, text, done)
        else:
            self._filter(text or "")

    def _filter(self, text: str) -> None:
        try:
            self._matches = rows.matcher(text, unread=self.unread)
        except FilterError as error:
            self.say(cell(str(error)).text, "warn")
            return
        self.filter_text = text
        self._narrow()

    def do_unread_only(self, arguments: tuple[str, ...]) -> None:
        """Only what was not looked at, or all."""
        self.unread = not self.unread
        if self.threaded:
            self._show_threads(False)
        self._filter(self.filter_text)

    def do_toggle_view(self, arguments: tuple[str, ...]) -> None:
        """Threads, or every message."""
        self.between = None
        self._show_threads(not self.threaded)
        self._narrow()

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter, leaves the thread, then goes back."""
        if not self.threaded and (self.filter_text or self.unread):
            self.unread = False
            self._filter("")
        elif self.between is not None:
            self.between = None
            self._show_threads(True)
            self._narrow()
        else:
            super().do_back(arguments)

    def _show_threads(self, threaded: bool) -> None:
        self.threaded = threaded
        self._arrange()
        self.table().focus()
        self._preview()

    # Reading

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        self.query_one("#threads").display = self.threaded
        self.query_one("#messages").display = not self.threaded
        room = self.previewed and self.size.height >= PREVIEW_TALL
        self.query_one("#preview").display = self.query_one("#preview-title").display = room
        self.refresh_bars()

    def do_preview(self, arguments: tuple[str, ...]) -> None:
        """The message below the list, or not."""
        self.previewed = not self.previewed
        if self.previewed and self.size.height < PREVIEW_TALL:
            why = f"a message below the list needs {PREVIEW_TALL} lines"
            self.say(cell(f"{why}; {self.kagents.keymap.words('open')} reads it").text, "dim")
        self._arrange()

    def current(self) -> Mail | None:
        """The message under the cursor; of a thread its last one."""
        item = self.table().current
        return item.last if isinstance(item, Thread) else item

    def _preview(self) -> None:
        mail = self.current()
        if mail is self._shown:
            return
        self._shown = mail
        document = self.query_one("#preview", Document)
        document.replace(rows.preview(mail, self.kagents.scene()) if mail else cell("").text)
        document.move("first")

    def on_table_moved(self, event: Table.Moved) -> None:
        if event.table is self.table():
            self._preview()
            self.refresh_bars()

    def tick(self) -> None:
        super().tick()
        self.table().tick()

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.reading import ReadingScreen

        if isinstance(item, Thread):
            self.between = item.key
            self.messages.tail = True
            self._show_threads(False)
            self._filter("")
        elif isinstance(item, Mail):
            text = rows.whole_message(item, self.kagents.scene())
            drill(self.kagents, ReadingScreen("Message", self.key, text))

    # What it leads to

    def selected_agent(self) -> str | None:
        mail = self.current()
        agents = self._agents()
        return rows.other_party(mail, agents) if mail else None

    def _agents(self) -> list[str]:
        following = self.following
        return [each.key for each in agents_of(following.object, following.tail.view)]

    def do_reply(self, arguments: tuple[str, ...]) -> None:
        """Writes an answer."""
        mail, team = self.current(), self.following.team
        if mail is None or team is None:
            self.say(cell("reply: choose a message first").text, "warn")
            return
        receiver = rows.other_party(mail, self._agents())
        if receiver is None:
            self.say(cell(f"reply: {mail.sender} is no agent of this team").text, "warn")
            return
        from kagents_tui.acting import act

        answer = act(self.kagents, BY_ID["message"], team, agent=receiver, summary=rows.answer_summary(mail))
        self.kagents.run_worker(answer, group="acts", exit_on_error=False)

    def do_jump_agent(self, arguments: tuple[str, ...]) -> None:
        """To the sender; to the receiver of what a person wrote."""
        agent = self.selected_agent()
        if agent is None:
            self.say(cell("this message names no agent of the team").text, "warn")
        else:
            self.to_agent(agent)

    def do_jump_task(self, arguments: tuple[str, ...]) -> None:
        """To the task that the message names."""
        mail = self.current()
        task = rows.task_named(mail, self.following.tail.view.tasks) if mail else None
        if task is None:
            self.say(cell("this message names no task of the list").text, "warn")
        else:
            self.to_task(task)

    # Bars

    def crumbs(self) -> Sequence[Cell]:
        if not self.ready:
            return ()
        scene, view = self.kagents.scene(), self.following.tail.view
        parts = self.short_cells("Threads" if self.threaded else "Mail")
        shown = len(self.table().rows)
        total = f"/{len(view.mail)}" if not self.threaded and shown != len(view.mail) else ""
        parts += [cell(f"[{shown}{total}]", "dim"), cell("  "), self.live_cell()]
        if self.between is not None:
            kept = self.threads.between.get(self.between)
            if kept is not None:
                parts.append(cell(f"  {kept.parties[0]} {scene.symbols.both} {kept.parties[1]}", "accent"))
        text = self.table().filter_text if self.threaded else self.filter_text
        parts += [cell(f" /{text}", "warn")] if text else []
        parts += [cell("  unread only", "warn")] if self.unread and not self.threaded else []
        order = self.table().sorted_by
        parts += [cell(f"  sorted: {order.lower()}", "dim")] if order else []
        parts += [cell("  looking...", "dim")] if self._late is not None else []
        count, oldest = self._unseen
        if count:
            parts.append(cell(f"  {count} unread, oldest {age(scene.now, oldest)}", "accent"))
        return parts

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        scene, mail = self.kagents.scene(), self.current()
        title = [cell(f"{scene.symbols.rule} ", "dim")]
        if mail is not None:
            title += [rows.route(mail, scene), cell("  "), rows.state(mail, scene), cell(" ")]
        self.query_one("#preview-title", Bar).show(title)
