"""A dialog for a few words: the reason of a refusal, an answer that no option holds."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from kagents_core.asks import CHOICE_LIMIT
from kagents_tui.rows.cells import cell
from kagents_tui.rows.fields import line
from kagents_tui.screens.dialogs import BOX, CANCEL, STYLE
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.buttons import Buttons


class Words(ModalScreen[str | None]):
    """Asks for words; the result is None when the person gives up. ``empty`` words may be allowed."""

    DEFAULT_CSS = f"""
    Words {{ {STYLE} }}
    Words #box {{ {BOX} }}
    Words TextArea {{ height: 6; border: round $secondary; margin: 0; }}
    Words TextArea:focus {{ border: round $primary; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "refuse", show=False),
        Binding("ctrl+s", "take", show=False, priority=True),
    ]

    def __init__(self, question: str, verb: str, *, empty: bool = False, hint: str = "in own words") -> None:
        super().__init__()
        self.question = line(question, 300)
        self.verb = verb
        self.empty = empty
        self.hint = f"{hint}; ctrl-s {verb.lower()}s, esc cancels"

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="question")
            yield Bar(id="hint")
            yield TextArea(tab_behavior="focus", show_line_numbers=False)
            yield Buttons([(CANCEL, "plain"), (self.verb, "warn")], focus=1)

    def on_mount(self) -> None:
        """The text has the focus."""
        self.query_one("#question", Bar).show([cell(self.question, "warn")])
        self.query_one("#hint", Bar).show([cell(self.hint, "dim")])
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.focus()

    def action_take(self) -> None:
        """Takes the words when there are as many as there may be."""
        text = self.query_one(TextArea).text.strip()
        if not text and not self.empty:
            self._tell("write something, or esc")
        elif len(text) > CHOICE_LIMIT:
            self._tell(f"at most {CHOICE_LIMIT} characters; these are {len(text)}")
        else:
            self.dismiss(text)

    def _tell(self, words: str) -> None:
        self.query_one("#hint", Bar).show([cell(words, "warn")])

    def on_buttons_chosen(self, event: Buttons.Chosen) -> None:
        """A button instead of a key."""
        if event.choice == CANCEL:
            self.dismiss(None)
        else:
            self.action_take()

    def action_refuse(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)
