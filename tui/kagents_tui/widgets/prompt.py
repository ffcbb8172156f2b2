"""The line at the bottom for ``:`` and ``/``: ghost completion, and what was typed before."""

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.binding import BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from kagents_tui.actions.bindings import bindings_of
from kagents_tui.widgets.writing import Field

Purpose = Literal["command", "filter", "search"]


class Ghost(Suggester):
    """Suggests the first completion."""

    def __init__(self, complete: Callable[[str], list[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The likeliest line that the value can become."""
        found = self.complete(value) if value else []
        return found[0] if found else None


class Prompt(Field):
    """One line of typing. The result comes as a message."""

    DEFAULT_CSS = "Prompt { height: 1; border: none; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("typing", "prompt")

    class Typed(Message):
        """The text changed, or was entered (``done``), or given up (``done`` with None)."""

        def __init__(self, purpose: Purpose, text: str | None, done: bool) -> None:
            self.purpose, self.text, self.done = purpose, text, done
            super().__init__()

    def __init__(
        self, purpose: Purpose, text: str, complete: Callable[[str], list[str]], history: list[str]
    ) -> None:
        super().__init__(
            value=text, suggester=Ghost(complete), id="prompt", compact=True, select_on_focus=False
        )
        self.purpose: Purpose = purpose
        self.completions = complete
        self.history = history
        self.place = len(history)
        self.entered = False
        self._cycle: list[str] = []
        self.cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tells every change, for a filter that follows the typing."""
        event.stop()
        self.post_message(self.Typed(self.purpose, event.value, False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tells what was entered, once."""
        event.stop()
        if self.entered:
            return
        self.entered = True
        if event.value and (not self.history or self.history[-1] != event.value):
            self.history.append(event.value)
        self.post_message(self.Typed(self.purpose, event.value, True))

    def do_give_up(self) -> None:
        """Leaves without doing anything."""
        self.post_message(self.Typed(self.purpose, None, True))

    def do_prompt_complete(self) -> None:
        """Takes the suggestion; again, the next one."""
        if self.value not in self._cycle:
            self._cycle = self.completions(self.value)
            following = 0
        else:
            following = self._cycle.index(self.value) + 1
        if self._cycle:
            self.value = self._cycle[following % len(self._cycle)]
            self.cursor_position = len(self.value)

    def do_prompt_earlier(self) -> None:
        """What was typed before this."""
        self._recall(-1)

    def do_prompt_later(self) -> None:
        """What was typed after it; behind the last, an empty line."""
        self._recall(+1)

    def _recall(self, step: int) -> None:
        if self.history:
            self.place = max(0, min(self.place + step, len(self.history)))
            self.value = self.history[self.place] if self.place < len(self.history) else ""
            self.cursor_position = len(self.value)
