"""Dialogs: a question with the facts to decide on, a message to write. They name the object they act on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from kagents_core.safetext import SafeText
from kagents_tui.rows.cells import Tone, cell
from kagents_tui.rows.fields import line
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.buttons import Buttons
from kagents_tui.widgets.document import Document

CANCEL = "Cancel"
MESSAGE_LIMIT = 256 * 1024
"""Bytes of a message, as the runner accepts them."""

SUMMARY_LIMIT = 120
"""Characters of its summary."""

STYLE = """
    align: center middle;
    background: $background 60%;
"""
BOX = """
    width: 90%; max-width: 100; height: auto; max-height: 90%;
    background: $panel; border: round $primary; padding: 0 1;
"""


class Confirm(ModalScreen[bool]):
    """Asks before an act. ``safe`` puts the focus on Cancel."""

    DEFAULT_CSS = f"""
    Confirm {{ {STYLE} }}
    Confirm #box {{ {BOX} }}
    Confirm Document {{ height: auto; min-height: 3; max-height: 18; margin: 1 0; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "refuse", show=False),
        Binding("j", "scroll('down')", show=False),
        Binding("k", "scroll('up')", show=False),
        Binding("ctrl+f,pagedown", "scroll('page_down')", show=False),
        Binding("ctrl+b,pageup", "scroll('page_up')", show=False),
    ]

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
        document.styles.height = min(18, max(3, sum(1 + len(each) // 70 for each in document.lines)))
        self.query_one(Buttons).focus()

    def on_buttons_chosen(self, event: Buttons.Chosen) -> None:
        """The answer."""
        self.dismiss(event.choice == self.verb)

    def action_refuse(self) -> None:
        """Escape is a no."""
        self.dismiss(False)

    def action_scroll(self, step: str) -> None:
        """Moves through a long story."""
        self.query_one(Document).move(step)


@dataclass(frozen=True, slots=True)
class Written:
    """A message that a person wrote."""

    receiver: str
    text: str
    summary: str


class Compose(ModalScreen[Written | None]):
    """Writes a message to one of the agents. The result is what was written, or None."""

    DEFAULT_CSS = f"""
    Compose {{ {STYLE} }}
    Compose #box {{ {BOX} }}
    Compose TextArea {{ height: 10; border: round $secondary; margin: 0; }}
    Compose TextArea:focus {{ border: round $primary; }}
    Compose #about {{ height: 1; }}
    Compose #label {{ width: 9; }}
    Compose Input {{ height: 1; border: none; padding: 0; background: $panel; width: 1fr; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "refuse", show=False),
        Binding("ctrl+s", "send", show=False, priority=True),
        Binding("ctrl+n", "receiver(1)", show=False, priority=True),
        Binding("ctrl+p", "receiver(-1)", show=False, priority=True),
    ]

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
                yield Input(self.summary, max_length=SUMMARY_LIMIT, select_on_focus=False)
            yield TextArea(tab_behavior="focus", show_line_numbers=False)
            yield Buttons([(CANCEL, "plain"), ("Send", "good")], focus=1)

    def on_mount(self) -> None:
        """The text has the focus."""
        self._show()
        self.query_one("#label", Bar).show([cell("summary  ", "dim")])
        self.query_one(Input).cursor_blink = False
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.focus()

    def _show(self) -> None:
        names = [
            cell(f"[{name}] " if index == self.at else f" {name}  ", "strong" if index == self.at else "dim")
            for index, name in enumerate(self.agents)
        ]
        self.query_one("#receiver", Bar).show([cell(f"message in {self.team} to ", "warn"), *names])
        self.query_one("#hint", Bar).show(
            [cell("ctrl-n ctrl-p receiver  shift-tab summary  ctrl-s send  esc cancel", "dim")]
        )

    def action_receiver(self, step: int) -> None:
        """To the next or previous receiver."""
        self.at = (self.at + step) % len(self.agents)
        self._show()

    def action_send(self) -> None:
        """Sends when there is something to send."""
        text = self.query_one(TextArea).text
        if not text.strip():
            self.query_one("#hint", Bar).show([cell("the message is empty; write something, or esc", "warn")])
        elif len(text.encode("utf-8", "surrogatepass")) > MESSAGE_LIMIT:
            self.query_one("#hint", Bar).show(
                [cell("the message is longer than 256 KiB; shorten it", "warn")]
            )
        else:
            self.dismiss(Written(self.agents[self.at], text, self.query_one(Input).value.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """From the summary to the text."""
        self.query_one(TextArea).focus()

    def on_buttons_chosen(self, event: Buttons.Chosen) -> None:
        """A button instead of a key."""
        if event.choice == CANCEL:
            self.dismiss(None)
        else:
            self.action_send()

    def action_refuse(self) -> None:
        """Nothing is sent."""
        self.dismiss(None)
