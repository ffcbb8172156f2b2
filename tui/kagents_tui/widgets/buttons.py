"""A row of choices in a dialog. It draws plain text, and one of them always has the focus.

Keys that were pressed before the choices could be seen are dropped: a return typed ahead decides nothing.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kagents_tui.actions.bindings import Bound, bindings_of
from kagents_tui.rows.cells import Tone
from kagents_tui.theme import monochrome, on_ground, style


class Buttons(Bound, Widget, can_focus=True):
    """Choices from left to right; one of them, in brackets, is taken."""

    DEFAULT_CSS = "Buttons { height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("choices")

    class Chosen(Message):
        """A choice was taken."""

        def __init__(self, choice: str) -> None:
            self.choice = choice
            super().__init__()

    def __init__(self, choices: Sequence[tuple[str, Tone]], *, focus: int = 0) -> None:
        super().__init__()
        self.choices = choices
        self.at = focus
        self._seen_at = float("inf")

    def on_mount(self) -> None:
        """From the first painting on, keys count."""
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self._seen_at = events.Mount().time

    def on_key(self, event: events.Key) -> None:
        """Drops what was typed ahead, before the bindings see it."""
        if event.time < self._seen_at:
            event.stop()
            event.prevent_default()

    def step(self, step: int, *, around: bool) -> bool:
        """To the next or previous choice; whether there is one, or it goes around the end."""
        if not around and not 0 <= self.at + step < len(self.choices):
            return False
        self.at = (self.at + step) % len(self.choices)
        self.refresh()
        return True

    def do_choice_next(self) -> None:
        """To the next choice."""
        self.step(+1, around=True)

    def do_choice_previous(self) -> None:
        """To the choice before."""
        self.step(-1, around=True)

    def do_choice_take(self) -> None:
        """Takes the choice that has the focus."""
        self.post_message(self.Chosen(self.choices[self.at][0]))

    def on_click(self, event: events.Click) -> None:
        """A click takes a choice."""
        left = 1
        for index, (label, _) in enumerate(self.choices):
            if left <= event.x < left + len(label) + 4:
                self.at = index
                self.do_choice_take()
            left += len(label) + 6

    def render_line(self, y: int) -> Strip:
        colourless = monochrome(self)
        segments = [Segment(" ")]
        for index, (label, tone) in enumerate(self.choices):
            chosen = index == self.at
            text = f"[ {label} ]" if chosen else f"  {label}  "
            segments.append(Segment(text, style(tone, monochrome=colourless, cursor=chosen)))
            segments.append(Segment("  "))
        return on_ground(self, Strip(segments).adjust_cell_length(self.size.width))
