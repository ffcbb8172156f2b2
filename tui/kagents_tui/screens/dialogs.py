"""Dialogs: a question with the facts to decide on, a message to write. They name the object they act on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from kagents_core.safetext import SafeText
from kagents_tui.actions.bindings import bindings_of
from kagents_tui.rows.cells import Tone, cell
from kagents_tui.rows.fields import line
from kagents_tui.screens.modal import BOX, CANCEL, STYLE, Modal
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.buttons import Buttons
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.writing import Area, Field

MESSAGE_LIMIT = 256 * 1024
"""Bytes of a message, as the runner accepts them."""

SUMMARY_LIMIT = 120
"""Characters of its summary."""


class Confirm(Modal[bool]):
    """Asks before an act. ``safe`` puts the focus on Cancel."""

    kind = "question"
    DEFAULT_CSS = f"""
    Confirm {{ {STYLE} }}
    Confirm #box {{ {BOX} }}
    Confirm Document {{ margin: 1 0; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("question", "fields")

    def __init__(self, question: str, story: SafeText, verb: str, *, safe: bool) -> None:
        super().__init__()
        self.question = line(question, 300)
        self.story = story
        self.verb = verb
        self.safe = safe

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="question")
            yield Document(keys=False)
            tone: Tone = "bad" if self.safe else "good"
            yield Buttons([(CANCEL, "plain"), (self.verb, tone)], focus=0 if self.safe else 1)

    def on_mount(self) -> None:
        """Shows the story; the buttons have the focus."""
        self.query_one("#question", Bar).show([cell(self.question, "warn")])
        document = self.query_one(Document)
        document.can_focus = False
        document.replace(self.story)
        self.query_one(Buttons).focus()
        self.on_resize()

    def on_resize(self) -> None:
        """The buttons are always in view; a long story scrolls."""
        document = self.query_one(Document)
        self.fit(document, min(18, max(3, sum(1 + len(each) // 70 for each in document.lines))), others=6)

    def on_buttons_chosen(self, event: Buttons.Chosen) -> None:
        """The answer."""
        self.dismiss(event.choice == self.verb)

    def do_answer_no(self) -> None:
        """Nothing is done."""
        self.dismiss(False)

    def do_story_down(self) -> None:
        """Down in a long story."""
        self.query_one(Document).move("down")

    def do_story_up(self) -> None:
        """Up in it."""
        self.query_one(Document).move("up")

    def do_story_page_down(self) -> None:
        """A page down."""
        self.query_one(Document).move("page_down")

    def do_story_page_up(self) -> None:
        """A page up."""
        self.query_one(Document).move("page_up")


@dataclass(frozen=True, slots=True)
class Written:
    """A message that a person wrote."""

    receiver: str
    text: str
    summary: str


class Compose(Modal[Written | None]):
    """Writes a message to one of the agents. The result is what was written, or None."""

    kind = "message"
    DEFAULT_CSS = f"""
    Compose {{ {STYLE} }}
    Compose #box {{ {BOX} }}
    Compose Area {{ border: round $secondary; margin: 0; }}
    Compose Area:focus {{ border: round $primary; }}
    Compose #about {{ height: 1; }}
    Compose #label {{ width: 9; }}
    Compose Field {{ height: 1; border: none; padding: 0; background: $panel; width: 1fr; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("typing", "writing", "message", "fields", first=True)

    def __init__(self, team: SafeText, agents: Sequence[str], chosen: str | None, summary: str = "") -> None:
        super().__init__()
        self.team = team
        self.summary = line(summary, SUMMARY_LIMIT)
        self.agents = list(agents)
        self.at = self.agents.index(chosen) if chosen in self.agents else 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="receiver")
            yield Bar(id="hint")
            with Horizontal(id="about"):
                yield Bar(id="label")
                yield Field(self.summary, max_length=SUMMARY_LIMIT, select_on_focus=False)
            yield Area(tab_behavior="focus", show_line_numbers=False)
            yield Buttons([(CANCEL, "plain"), ("Send", "good")], focus=1)

    def on_mount(self) -> None:
        """The text has the focus."""
        self._show()
        self.query_one("#label", Bar).show([cell("summary  ", "dim")])
        self.query_one(Field).cursor_blink = False
        area = self.query_one(Area)
        area.cursor_blink = False
        area.focus()
        self.on_resize()

    def on_resize(self) -> None:
        """The buttons are always in view."""
        self.fit(self.query_one(Area), 10, others=6)

    def _show(self) -> None:
        names = [
            cell(f"[{name}] " if index == self.at else f" {name}  ", "strong" if index == self.at else "dim")
            for index, name in enumerate(self.agents)
        ]
        self.query_one("#receiver", Bar).show([cell(f"message in {self.team} to ", "warn"), *names])
        self.query_one("#hint", Bar).show([self.hint()])

    def do_receiver_next(self) -> None:
        """To the next receiver."""
        self._receiver(+1)

    def do_receiver_previous(self) -> None:
        """To the receiver before."""
        self._receiver(-1)

    def _receiver(self, step: int) -> None:
        self.at = (self.at + step) % len(self.agents)
        self._show()

    def do_send(self) -> None:
        """Sends when there is something to send."""
        text = self.query_one(Area).text
        if not text.strip():
            leaves = self.keymap.words("give_up")
            words = f"the message is empty; write something, or {leaves}"
            self.query_one("#hint", Bar).show([cell(words, "warn")])
        elif len(text.encode("utf-8", "surrogatepass")) > MESSAGE_LIMIT:
            self.query_one("#hint", Bar).show(
                [cell("the message is longer than 256 KiB; shorten it", "warn")]
            )
        else:
            self.dismiss(Written(self.agents[self.at], text, self.query_one(Field).value.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the summary to the text."""
        self.query_one(Area).focus()

    def on_buttons_chosen(self, event: Buttons.Chosen) -> None:
        """A button instead of a key."""
        if event.choice == CANCEL:
            self.dismiss(None)
        else:
            self.do_send()

    def do_give_up(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)
