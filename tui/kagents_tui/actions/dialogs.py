"""What a person does in questions, messages, lines for typing and the palette.

These hold only while such a thing is open and take nothing from the screen below. Those that hold where text
is typed never have a key that types (``keymap.keymap_of`` refuses it).
"""

from collections.abc import Iterator
from typing import Final

from kagents_tui.actions.action import Action, Scope

DIALOGS: Final[dict[str, tuple[Scope, ...]]] = {
    "question": ("always", "question", "fields", "choices"),
    "message": ("always", "typing", "writing", "message", "fields", "text", "lines"),
    "summary": ("always", "typing", "writing", "message", "fields", "text", "line"),
    "buttons": ("always", "typing", "writing", "message", "fields", "choices"),
    "words": ("always", "typing", "writing", "fields", "text", "lines"),
    "palette": ("always", "typing", "palette", "text", "line"),
    "prompt": ("always", "typing", "prompt", "text", "line"),
}
"""The scopes of everything that takes the keys from a screen, by what has the focus in it."""

DIALOG_TITLES: Final = {
    "question": "A question",
    "message": "The text of a message",
    "summary": "The summary of a message",
    "buttons": "The buttons below a text",
    "words": "A reason, or an answer in own words",
    "palette": "The palette",
    "prompt": "The line for commands, filters and searches",
}

TYPED: Final = frozenset(("always", "typing", "writing", "message", "fields", "palette", "prompt", "text"))
"""Scopes that hold while text is typed."""

MADE_WITH_ENTER: Final = frozenset(("typing", "writing", "message", "fields", "text"))
"""Scopes that hold also where enter makes a new line."""

IN_DIALOGS: Final = (
    Action("answer_no", ("escape", "q"), "no", "Answer no: nothing is done", ("question",)),
    Action("story_down", ("j", "down"), "down", "Scroll what is asked one line down", ("question",)),
    Action("story_up", ("k", "up"), "up", "Scroll what is asked one line up", ("question",)),
    Action(
        "story_page_down",
        ("ctrl+f", "pagedown"),
        "page down",
        "Scroll what is asked one page down",
        ("question",),
    ),
    Action(
        "story_page_up", ("ctrl+b", "pageup"), "page up", "Scroll what is asked one page up", ("question",)
    ),
    Action("choice_take", ("enter", "space"), "take", "Take the button in brackets", ("choices",)),
    Action("choice_next", ("right", "l"), "next button", "To the button on the right", ("choices",)),
    Action("choice_previous", ("left", "h"), "button before", "To the button on the left", ("choices",)),
    Action("send", ("ctrl+s",), "send", "Send what was written", ("writing",), footer=True),
    Action(
        "give_up",
        ("escape",),
        "cancel",
        "Leave it: nothing is sent, done or filtered",
        ("typing",),
        footer=True,
    ),
    Action(
        "receiver_next",
        ("ctrl+n",),
        "receiver",
        "Write to the next agent of the team",
        ("message",),
        footer=True,
    ),
    Action(
        "receiver_previous", ("ctrl+p",), "receiver", "Write to the agent before", ("message",), footer=True
    ),
    Action("field_next", ("tab",), "field", "To the next field or button", ("fields",), footer=True),
    Action(
        "field_previous", ("shift+tab",), "field", "To the field or button before", ("fields",), footer=True
    ),
    Action("line_done", ("enter",), "done", "Take the line as it is typed", ("line",)),
    Action("palette_down", ("down", "ctrl+n"), "down", "To the next action of the list", ("palette",)),
    Action("palette_up", ("up", "ctrl+p"), "up", "To the action before", ("palette",)),
    Action("palette_page_down", ("pagedown",), "page down", "One page of the list down", ("palette",)),
    Action("palette_page_up", ("pageup",), "page up", "One page of the list up", ("palette",)),
    Action("prompt_complete", ("tab",), "complete", "Complete the line; again: the next way", ("prompt",)),
    Action("prompt_earlier", ("up",), "earlier", "The line that was typed before", ("prompt",)),
    Action("prompt_later", ("down",), "later", "The line that was typed after it", ("prompt",)),
)
"""In the order in which hints name those with ``footer``."""


def of_dialog(name: str) -> Iterator[Action]:
    """The actions that a dialog has beside those that hold always and those on the text in it."""
    scopes = set(DIALOGS[name])
    return (action for action in IN_DIALOGS if scopes.intersection(action.scopes))
