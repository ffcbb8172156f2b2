"""The mail of all teams in one list, the newest last: filtered, read, answered, and on to its team."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.containers import Vertical

from kagents_tui.actions.bindings import bindings
from kagents_tui.gathering import MAIL, Source
from kagents_tui.journal.mail import Mail
from kagents_tui.navigation import drill
from kagents_tui.places import Look
from kagents_tui.rows import all_mail as rows
from kagents_tui.rows import mail as mail_rows
from kagents_tui.rows.all_mail import Letter
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.screens.across import Across
from kagents_tui.screens.mail_answering import answer
from kagents_tui.screens.mail_preview import Previewing
from kagents_tui.screens.narrowing import Narrowing
from kagents_tui.widgets.table import Table


class AllMailScreen(Previewing, Narrowing, Across, inherit_bindings=False):
    """All mail. Enter shows the team's mail with the cursor on this message."""

    kind = "all-mail"
    heading = "All mail"
    kinds = MAIL
    BINDINGS: ClassVar[list[BindingType]] = bindings("all-mail")
    DEFAULT_CSS = """
    AllMailScreen Table { height: 3fr; }
    AllMailScreen #preview { height: 2fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.letters: dict[rows.Key, Letter] = {}

    def body(self) -> Any:
        with Vertical(id="body"):
            yield Table(
                rows.COLUMNS, scene=self.kagents.scene, key=lambda letter: letter.key, tail=True,
                search=rows.search_text, order=rows.order, ages=lambda letter: False, empty="no mail yet",
                id="messages",
            )  # fmt: skip
            yield from self.preview_body()

    def table(self) -> Any:
        return self.query_one("#messages", Table)

    # The mail

    def changed_rows(self, source: Source) -> Mapping[rows.Key, Letter | None]:
        return rows.letters(source.team, source.changes.take().mail)

    def rows_of(self, source: Source) -> Mapping[rows.Key, Any]:
        return rows.letters(source.team, source.view.mail | source.changes.take().mail)

    def take_rows(self, changes: Mapping[rows.Key, Letter | None]) -> None:
        for key, letter in changes.items():
            if letter is None:
                self.letters.pop(key, None)
            else:
                self.letters[key] = letter
        self.take_changes(changes)
        self.preview()

    def forget_rows(self) -> None:
        self.letters.clear()
        super().forget_rows()

    def everything(self) -> Sequence[Letter]:
        return list(self.letters.values())

    def matcher(self, text: str) -> Callable[[Letter], bool] | None:
        return rows.matcher(text, unread=self.unread)

    def shown_anew(self) -> None:
        self.preview()

    def current(self) -> Mail | None:
        letter: Letter | None = self.table().current
        return letter.mail if letter else None

    # How it is looked at

    def look(self) -> Look:
        """``people``: only what nobody has looked at."""
        if not self.ready:
            return self._wanted
        table = self.table()
        return Look(
            filter=self.filter_text,
            labels=self.labels,
            sort=table.sorted_by,
            reversed=table.reversed,
            wide=table.wide,
            people=self.unread,
        )

    def arrive(self, look: Look) -> None:
        super().arrive(Look(labels=look.labels, sort=look.sort, reversed=look.reversed, wide=look.wide))
        self._wanted, self.unread = look, look.people
        self.filter_by(look.filter)

    def do_filter(self, arguments: tuple[str, ...]) -> None:
        """Opens the filter line."""
        self.open_prompt("filter", self.filter_text)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        self.filter_by(text or "")

    def do_unread_only(self, arguments: tuple[str, ...]) -> None:
        """Only what was not looked at, or all."""
        self.unread = not self.unread
        self.filter_by(self.filter_text)

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Clears the filter first."""
        if self.filter_text or self.unread:
            self.unread = False
            self.filter_by("")
        else:
            super().do_back(arguments)

    # Where it leads

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.mail import MailScreen

        if isinstance(item, Letter):
            screen = MailScreen(item.team.key)
            screen.pointed = item.mail.key
            drill(self.kagents, screen)

    def selected_agent(self) -> str | None:
        mail, agents = self.current(), self._agents_of(self.selected())
        return mail_rows.other_party(mail, agents) if mail else None

    def do_reply(self, arguments: tuple[str, ...]) -> None:
        """Writes an answer."""
        answer(self, self.current(), self.selected(), self._agents_of(self.selected()))

    # Bars

    def crumbs(self) -> Sequence[Cell]:
        parts = list(super().crumbs())
        if self.ready and parts:
            shown = [cell(f" /{self.filter_text}", "warn")] if self.filter_text else []
            shown += [cell("  unread only", "warn")] if self.unread else []
            shown += [cell("  looking...", "dim")] if self.late is not None else []
            if len(self.table().rows) != len(self.letters):
                parts[1] = cell(f"[{len(self.table().rows)}/{len(self.letters)}]", "dim")
            parts[2:2] = shown
        return parts
