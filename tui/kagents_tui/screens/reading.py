"""A screen to read one text: a message, a task, a description, YAML. Searchable; wraps or cuts."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.safetext import SafeText
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key
from kagents_tui.screens.searching import SearchingView
from kagents_tui.widgets.document import Document

STEPS = ("up", "down", "first", "last", "page_up", "page_down")


class ReadingScreen(SearchingView, inherit_bindings=False):
    """One text under a title."""

    kind = "document"
    BINDINGS: ClassVar[list[BindingType]] = bindings("document")

    def __init__(
        self, title: str, key: Key | None, text: SafeText, *, keys: bool = False, wrap: bool = True
    ) -> None:
        super().__init__()
        self.heading = line(title, 100)
        self.key = key
        self.text = text
        self.keys = keys
        self.wrap = wrap

    def body(self) -> Any:
        yield Document(limit=50_000, keys=self.keys, wrap=self.wrap, id="body")

    def on_mount(self) -> None:
        super().on_mount()
        self.document().replace(self.text)
        self.focus_body()

    def document(self) -> Document:
        """The text's widget."""
        return self.query_one("#body", Document)

    def focus_body(self) -> None:
        self.document().focus()

    def crumbs(self) -> Sequence[Cell]:
        parts = [cell(self.heading, "strong")]
        if self.key is not None:
            parts = [cell(f"{self.key[0]} / {self.key[1]} / ", "dim"), *parts]
        if self.found:
            parts.append(cell(f"  {self.found}", "warn"))
        return parts

    def perform(self, action: Any, arguments: tuple[str, ...]) -> None:
        """Moves go to the text."""
        if action.id in STEPS:
            self.document().move(action.id)
            self.refresh_bars()
        else:
            super().perform(action, arguments)

    def do_wrap(self, arguments: tuple[str, ...]) -> None:
        """Wraps or cuts long lines."""
        self.document().toggle_wrap()

    def searched(self) -> Document:
        """What is searched."""
        return self.document()
