"""A dialog for a few words: the reason of a refusal, an answer that no option holds."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from kagents_core.asks import CHOICE_LIMIT
from kagents_tui.actions.bindings import bindings_of
from kagents_tui.rows.cells import cell
from kagents_tui.rows.fields import line
from kagents_tui.screens.modal import BOX, CANCEL, STYLE, Modal
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.buttons import Buttons
from kagents_tui.widgets.writing import Area


class Words(Modal[str | None]):
    """Asks for words; the result is None when the person gives up. ``empty`` words may be allowed."""

    kind = "words"
    DEFAULT_CSS = f"""
    Words {{ {STYLE} }}
    Words #box {{ {BOX} }}
    Words Area {{ border: round $secondary; margin: 0; }}
    Words Area:focus {{ border: round $primary; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("typing", "writing", "fields", first=True)

    def __init__(self, question: str, verb: str, *, empty: bool = False, hint: str = "in own words") -> None:
        super().__init__()
        self.question = line(question, 300)
        self.verb = verb
        self.empty = empty
        self.what = hint

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="question")
            yield Bar(id="hint")
            yield Area(tab_behavior="focus", show_line_numbers=False)
            yield Buttons([(CANCEL, "plain"), (self.verb, "warn")], focus=1)

    def on_mount(self) -> None:
        """The text has the focus."""
        self.query_one("#question", Bar).show([cell(self.question, "warn")])
        sends, leaves = self.keymap.words("send"), self.keymap.words("give_up")
        words = f"{self.what}; {sends} {self.verb.lower()}s, {leaves} cancels"
        self.query_one("#hint", Bar).show([cell(words, "dim")])
        area = self.query_one(Area)
        area.cursor_blink = False
        area.focus()
        self.on_resize()

    def on_resize(self) -> None:
        """The buttons are always in view."""
        self.fit(self.query_one(Area), 6, others=5)

    def do_send(self) -> None:
        """Takes the words when there are as many as there may be."""
        text = self.query_one(Area).text.strip()
        if not text and not self.empty:
            self._tell(f"write something, or {self.keymap.words('give_up')}")
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
            self.do_send()

    def do_give_up(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)
