"""The message under the cursor, to read below a list of mail where there is room for both."""

from collections.abc import Iterable
from typing import Any, Final

from textual import events

from kagents_tui.journal.mail import Mail
from kagents_tui.rows import mail as rows
from kagents_tui.rows.cells import cell
from kagents_tui.screens.listing import Listing
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.table import Table

PREVIEW_TALL: Final = 22
"""From this many lines on there is room for the message below the list."""


class Previewing(Listing, inherit_bindings=False):
    """A list of mail with the message below."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.previewed = True
        self._previewed_mail: Mail | None = None

    def current(self) -> Mail | None:
        """The message under the cursor."""
        raise NotImplementedError

    def preview_body(self) -> Iterable[Any]:
        """The widgets below the list."""
        yield Bar(id="preview-title", fill=self.kagents.symbols.rule)
        yield Document(limit=5_000, id="preview")

    def on_mount(self) -> None:
        self.query_one("#preview", Document).can_focus = False
        self.lay_out()
        super().on_mount()

    def on_resize(self, event: events.Resize) -> None:
        """There may be room for it now, or no more."""
        self.lay_out()

    def lay_out(self) -> None:
        """Shows it where a person wants it and there is room."""
        room = self.previewed and self.size.height >= PREVIEW_TALL
        self.query_one("#preview").display = self.query_one("#preview-title").display = room
        self.refresh_bars()

    def do_preview(self, arguments: tuple[str, ...]) -> None:
        """The message below the list, or not."""
        self.previewed = not self.previewed
        if self.previewed and self.size.height < PREVIEW_TALL:
            why = f"a message below the list needs {PREVIEW_TALL} lines"
            self.say(cell(f"{why}; {self.kagents.keymap.words('open')} reads it").text, "dim")
        self.lay_out()

    def preview(self) -> None:
        """Shows the message under the cursor."""
        mail = self.current()
        if mail is self._previewed_mail:
            return
        self._previewed_mail = mail
        document = self.query_one("#preview", Document)
        document.replace(rows.preview(mail, self.kagents.scene()) if mail else cell("").text)
        document.move("first")

    def on_table_moved(self, event: Table.Moved) -> None:
        if event.table is self.table():
            self.preview()
            self.refresh_bars()

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        scene, mail = self.kagents.scene(), self.current()
        title = [cell(f"{scene.symbols.rule} ", "dim")]
        if mail is not None:
            title += [rows.route(mail, scene), cell("  "), rows.state(mail, scene), cell(" ")]
        self.query_one("#preview-title", Bar).show(title)
