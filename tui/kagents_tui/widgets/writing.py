"""Fields in which a person writes. Characters are text; every other key is an action of the registry."""

from typing import ClassVar, Final

from textual.binding import BindingType
from textual.widgets import Input, TextArea

from kagents_tui.actions.bindings import Bound, bindings_of

BOTH: Final = {
    "text_left": "cursor_left",
    "text_right": "cursor_right",
    "text_erase_left": "delete_left",
    "text_erase_right": "delete_right",
    "text_select_left": "cursor_left(True)",
    "text_select_right": "cursor_right(True)",
    "text_select_all": "select_all",
    "text_cut": "cut",
    "text_copy": "copy",
    "text_paste": "paste",
}
"""What both kinds of Textual's fields call the same."""

IN_A_LINE: Final = BOTH | {
    "text_word_left": "cursor_left_word",
    "text_word_right": "cursor_right_word",
    "text_start": "home",
    "text_end": "end",
    "text_erase_word": "delete_left_word",
    "text_erase_word_right": "delete_right_word",
    "text_erase_before": "delete_left_all",
    "text_erase_after": "delete_right_all",
    "text_select_word_left": "cursor_left_word(True)",
    "text_select_word_right": "cursor_right_word(True)",
    "text_select_to_start": "home(True)",
    "text_select_to_end": "end(True)",
}
IN_LINES: Final = BOTH | {
    "text_word_left": "cursor_word_left",
    "text_word_right": "cursor_word_right",
    "text_start": "cursor_line_start",
    "text_end": "cursor_line_end",
    "text_erase_word": "delete_word_left",
    "text_erase_word_right": "delete_word_right",
    "text_erase_before": "delete_to_start_of_line",
    "text_erase_after": "delete_to_end_of_line_or_delete_line",
    "text_select_word_left": "cursor_word_left(True)",
    "text_select_word_right": "cursor_word_right(True)",
    "text_select_to_start": "cursor_line_start(True)",
    "text_select_to_end": "cursor_line_end(True)",
    "text_up": "cursor_up",
    "text_down": "cursor_down",
    "text_page_up": "cursor_page_up",
    "text_page_down": "cursor_page_down",
    "text_select_up": "cursor_up(True)",
    "text_select_down": "cursor_down(True)",
    "text_select_line": "select_line",
    "text_erase_line": "delete_line",
    "text_undo": "undo",
    "text_redo": "redo",
}


class Field(Bound, Input, inherit_bindings=False):
    """One line of text. Taking it is ``Input.Submitted``."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("text", "line", does=IN_A_LINE)

    def do_line_done(self) -> None:
        """The line is as it should be."""
        self.post_message(self.Submitted(self, self.value))


class Area(Bound, TextArea, inherit_bindings=False):
    """Several lines of text; enter begins a new one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("text", "lines", does=IN_LINES)
