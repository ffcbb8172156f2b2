"""Every action of a view in one list: type a word of what it does, enter does it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from kagents_tui.actions import Action
from kagents_tui.rows import choices
from kagents_tui.screens.dialogs import BOX, STYLE
from kagents_tui.widgets.table import Table

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp

MOST: Final = 14
"""Lines of the list."""


class Palette(ModalScreen[str | None]):
    """Chooses an action. The result is its id, or None."""

    DEFAULT_CSS = f"""
    Palette {{ {STYLE} }}
    Palette #box {{ {BOX} }}
    Palette Input {{ height: 1; border: none; padding: 0 1; background: $panel; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        *(
            Binding(key, f"move('{step}')", show=False, priority=True)
            for key, step in {
                "up": "up",
                "down": "down",
                "ctrl+p": "up",
                "ctrl+n": "down",
                "pageup": "page_up",
                "pagedown": "page_down",
            }.items()
        ),
    ]

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.actions = actions

    def compose(self) -> ComposeResult:
        app: KagentsApp = self.app  # type: ignore[assignment]  # the only application there is
        with Vertical(id="box"):
            yield Input(placeholder="what to do", compact=True, select_on_focus=False)
            yield Table(
                choices.ACTIONS, scene=app.scene, key=lambda action: action.id,
                search=choices.action_search, header=False, empty="no action",
            )  # fmt: skip

    def on_mount(self) -> None:
        """The line has the focus, the list the cursor."""
        self.query_one(Input).cursor_blink = False
        table = self.query_one(Table)
        table.can_focus = False
        table.styles.height = min(MOST, max(3, self.app.size.height - 8))
        table.replace(self.actions)
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The list follows the typing: all words, in any place, in this order."""
        table = self.query_one(Table)
        table.set_filter(".*".join(map(re.escape, event.value.split())))
        table.move("first")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """What the cursor is on."""
        chosen: Action | None = self.query_one(Table).current
        if chosen is not None:
            self.dismiss(chosen.id)

    def on_table_opened(self, event: Table.Opened) -> None:
        """A second click."""
        self.dismiss(event.item.id)

    def action_move(self, step: str) -> None:
        """The cursor of the list."""
        self.query_one(Table).move(step)

    def action_leave(self) -> None:
        """Nothing is done."""
        self.dismiss(None)
