"""Editing of text, in one line and in several: the keys of terminals, each of which can be changed.

What a person types is no action. These move, select and erase; the widgets do it under Textual's names.
"""

from typing import Final

from kagents_tui.actions.action import Action, Scope


def edit(name: str, keys: tuple[str, ...], words: str, scope: Scope = "text") -> Action:
    """An action on what is being written: in every field (``text``), or in several ``lines`` alone."""
    return Action(f"text_{name}", keys, words.lower(), words, (scope,))


WRITING: Final = (
    edit("left", ("left",), "One character left"),
    edit("right", ("right",), "One character right; at the end of a line: take what is suggested"),
    edit("word_left", ("ctrl+left",), "One word left"),
    edit("word_right", ("ctrl+right",), "One word right"),
    edit("start", ("home", "ctrl+a"), "To the start of the line"),
    edit("end", ("end", "ctrl+e"), "To the end of the line"),
    edit("erase_left", ("backspace",), "Erase the character before"),
    edit("erase_right", ("delete", "ctrl+d"), "Erase the character behind"),
    edit("erase_word", ("ctrl+w", "alt+backspace", "ctrl+backspace"), "Erase the word before"),
    edit("erase_word_right", ("alt+delete",), "Erase the word behind"),
    edit("erase_before", ("ctrl+u",), "Erase the line up to here"),
    edit("erase_after", ("ctrl+k",), "Erase the line from here on"),
    edit("select_left", ("shift+left",), "Select one character left"),
    edit("select_right", ("shift+right",), "Select one character right"),
    edit("select_word_left", ("ctrl+shift+left",), "Select one word left"),
    edit("select_word_right", ("ctrl+shift+right",), "Select one word right"),
    edit("select_to_start", ("shift+home",), "Select up to the start of the line"),
    edit("select_to_end", ("shift+end",), "Select up to the end of the line"),
    edit("select_all", ("f7", "ctrl+shift+a"), "Select everything"),
    edit("cut", ("ctrl+x",), "Cut what is selected; in several lines without a selection: the line"),
    edit("copy", ("alt+c",), "Copy what is selected"),
    edit("paste", ("ctrl+v",), "Put in what was cut or copied last"),
    edit("up", ("up",), "One line up", "lines"),
    edit("down", ("down",), "One line down", "lines"),
    edit("page_up", ("pageup",), "One page up", "lines"),
    edit("page_down", ("pagedown",), "One page down", "lines"),
    edit("select_up", ("shift+up",), "Select one line up", "lines"),
    edit("select_down", ("shift+down",), "Select one line down", "lines"),
    edit("select_line", ("f6",), "Select the line", "lines"),
    edit("erase_line", ("ctrl+shift+k",), "Erase the line", "lines"),
    edit("undo", ("ctrl+z",), "Take the last change back", "lines"),
    edit("redo", ("ctrl+y",), "Make it again", "lines"),
)
