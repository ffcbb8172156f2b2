"""All mail of one team: in threads or message by message, filtered, read, answered.

Messages are taken in one by one as they come; a hundred thousand cost what is on the screen.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.containers import Vertical

from kagents_tui.actions.bindings import bindings
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
from kagents_tui.screens.mail_answering import answer
from kagents_tui.screens.mail_preview import Previewing
from kagents_tui.screens.narrowing import Narrowing
from kagents_tui.widgets.table import Table


class MailScreen(Previewing, Narrowing, Followed, inherit_bindings=False):
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
        self.pointed: str | None = None
        """The message to put the cursor on as soon as it is there."""
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
            yield from self.preview_body()

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
        self.take_changes(changes.mail)
        self._point()
        self.preview()

    def _point(self) -> None:
        """Puts the cursor on the message that the view was opened for."""
        if self.pointed is None or self.late is not None:
            return
        row, view = self.messages.row_of(self.pointed), self.following.tail.view
        if row is not None:
            self.pointed, self.messages.tail = None, False
            self.messages.move_to(row)
        elif view.live and self.pointed not in view.mail:
            self.pointed = None
            self.say(cell("that message is not in the journal any more").text, "warn")

    def narrowed(self) -> Any:
        return self.messages

    def everything(self) -> Sequence[Mail]:
        kept = self.threads.between.get(self.between) if self.between else None
        return list((kept.mail if kept is not None else self.following.tail.view.mail).values())

    def matcher(self, text: str) -> Callable[[Mail], bool] | None:
        return rows.matcher(text, unread=self.unread)

    def passes(self, item: Mail) -> bool:
        return (self.between is None or threads.pair(item) == self.between) and super().passes(item)

    def shown_anew(self) -> None:
        self.preview()

    def forget(self) -> None:
        self.threads, self._unseen = Threads(), (0, None)
        self.messages.replace(())
        self.query_one("#threads", Table).replace(())

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
        self.filter_by(look.filter)

    def do_filter(self, arguments: tuple[str, ...]) -> None:
        """Opens the filter line."""
        self.open_prompt("filter", self.table().filter_text if self.threaded else self.filter_text)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        if self.threaded:
            super().typed(purpose, text, done)
        else:
            self.filter_by(text or "")

    def do_unread_only(self, arguments: tuple[str, ...]) -> None:
        """Only what was not looked at, or all."""
        self.unread = not self.unread
        if self.threaded:
            self._show_threads(False)
        self.filter_by(self.filter_text)

    def do_toggle_view(self, arguments: tuple[str, ...]) -> None:
        """Threads, or every message."""
        self.between = None
        self._show_threads(not self.threaded)
        self.narrow()

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter, leaves the thread, then goes back."""
        if not self.threaded and (self.filter_text or self.unread):
            self.unread = False
            self.filter_by("")
        elif self.between is not None:
            self.between = None
            self._show_threads(True)
            self.narrow()
        else:
            super().do_back(arguments)

    def _show_threads(self, threaded: bool) -> None:
        self.threaded = threaded
        self.lay_out()
        self.table().focus()
        self.preview()

    # Reading

    def lay_out(self) -> None:
        self.query_one("#threads").display = self.threaded
        self.query_one("#messages").display = not self.threaded
        super().lay_out()

    def current(self) -> Mail | None:
        """The message under the cursor; of a thread its last one."""
        item = self.table().current
        return item.last if isinstance(item, Thread) else item

    def tick(self) -> None:
        super().tick()
        self.table().tick()

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.reading import ReadingScreen

        if isinstance(item, Thread):
            self.between = item.key
            self.messages.tail = True
            self._show_threads(False)
            self.filter_by("")
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
        answer(self, self.current(), self.following.team, self._agents())

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
        parts += [cell("  looking...", "dim")] if self.late is not None else []
        count, oldest = self._unseen
        if count:
            parts.append(cell(f"  {count} unread, oldest {age(scene.now, oldest)}", "accent"))
        return parts
