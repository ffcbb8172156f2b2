"""What the dialogs share: how they look, their keys, and going from field to field."""

from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from textual.screen import ModalScreen
from textual.widget import Widget

from kagents_core.safetext import SafeText
from kagents_tui.actions.bindings import Bound
from kagents_tui.rows.cells import Cell, Tone, cell
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.buttons import Buttons

if TYPE_CHECKING:
    from kagents_tui.actions.keymap import Keymap
    from kagents_tui.app import KagentsApp

Result = TypeVar("Result")

CANCEL: Final = "Cancel"
STYLE: Final = """
    align: center middle;
    background: $background 60%;
"""
BOX: Final = """
    width: 90%; max-width: 100; height: auto; max-height: 90%;
    background: $panel; border: round $primary; padding: 0 1;
"""


class Modal(Bound, ModalScreen[Result], inherit_bindings=False):
    """A dialog above a screen. ``kind`` names its entry in ``actions.DIALOGS``."""

    kind: ClassVar[str]
    DEFAULT_CSS = "Modal #said { dock: bottom; }"

    @property
    def kagents(self) -> "KagentsApp":
        """The application, by its own type."""
        return cast("KagentsApp", self.app)

    @property
    def keymap(self) -> "Keymap":
        """The keys that hold."""
        return self.kagents.keymap

    def hint(self) -> Cell:
        """The keys that one should know here, from the registry."""
        return cell(self.keymap.hint(self.kind), "dim")

    def say(self, text: SafeText, tone: Tone) -> None:
        """Shows one line below the box, on the last line of the terminal."""
        if not self.query("#said"):
            self.mount(Bar(id="said"))
        self.call_after_refresh(lambda: self.query_one("#said", Bar).show([cell(text, tone)]))

    def fit(self, part: Widget, wanted: int, others: int) -> None:
        """Gives a part so many lines, or those that a low terminal has left beside the ``others``."""
        part.styles.height = max(2, min(wanted, int(self.app.size.height * 0.9) - others))

    def do_field_next(self) -> None:
        """To the next field; the buttons are one after the other."""
        self._go(+1)

    def do_field_previous(self) -> None:
        """To the field before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        alone = len(self.focus_chain) == 1
        if isinstance(self.focused, Buttons) and self.focused.step(step, around=alone):
            return
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()
