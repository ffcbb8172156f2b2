"""What a person takes along from a view, and how the terminal looks."""

from typing import Final, get_args

from kagents_tui.actions.action import Action
from kagents_tui.settings import ThemeName

KEEPING: Final = (
    Action(
        "copy",
        ("c",),
        "copy",
        "Copy the name or text under the cursor to the clipboard (OSC 52)",
        ("list", "document"),
        command="copy",
    ),
    Action(
        "save",
        ("ctrl+s",),
        "save",
        "Save the view in the current directory: a list as CSV, a text as it is, either as a picture (svg)",
        ("list", "document"),
        command="save",
        argument="[csv | text | svg]",
    ),
    Action(
        "theme",
        (),
        "theme",
        "Change the colours: " + ", ".join(get_args(ThemeName)),
        ("everywhere",),
        command="theme",
        argument="NAME",
    ),
)
