"""Every action of a view in one list: type a word of what it does, enter does it."""

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from kagents_tui.actions import Action
from kagents_tui.actions.bindings import bindings_of
from kagents_tui.rows import choices
from kagents_tui.screens.modal import BOX, STYLE, Modal
from kagents_tui.widgets.table import Table
from kagents_tui.widgets.writing import Field

MOST: Final = 14
"""Lines of the list."""


class Palette(Modal[str | None]):
    """Chooses an action. The result is its id, or None."""

    kind = "palette"
    DEFAULT_CSS = f"""
    Palette {{ {STYLE} }}
    Palette #box {{ {BOX} }}
    Palette Field {{ height: 1; border: none; padding: 0 1; background: $panel; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("typing", "palette", first=True)

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.actions = actions

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Field(placeholder="what to do", compact=True, select_on_focus=False)
            yield Table(
                choices.ACTIONS, scene=self.kagents.scene, key=lambda action: action.id,
                search=choices.action_search, header=False, empty="no action",
            )  # fmt: skip

    def on_mount(self) -> None:
        """The line has the focus, the list the cursor."""
        self.query_one(Field).cursor_blink = False
        table = self.query_one(Table)
        table.can_focus = False
        table.styles.height = min(MOST, max(3, self.app.size.height - 8))
        table.replace(self.actions)
        self.query_one(Field).focus()

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

    def do_palette_down(self) -> None:
        """To the next action."""
        self.query_one(Table).move("down")

    def do_palette_up(self) -> None:
        """To the action before."""
        self.query_one(Table).move("up")

    def do_palette_page_down(self) -> None:
        """A page of actions down."""
        self.query_one(Table).move("page_down")

    def do_palette_page_up(self) -> None:
        """A page of actions up."""
        self.query_one(Table).move("page_up")

    def do_give_up(self) -> None:
        """Nothing is done."""
        self.dismiss(None)
