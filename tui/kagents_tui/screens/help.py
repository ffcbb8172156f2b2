"""Every key and command of a screen, from the registry."""

from collections.abc import Iterable, Iterator

from kagents_core.safetext import SafeText, clean
from kagents_tui.actions import ACTIONS, Action, shown_keys
from kagents_tui.actions.dialogs import DIALOG_TITLES, of_dialog
from kagents_tui.actions.keymap import DEFAULT, Keymap
from kagents_tui.actions.writing import WRITING
from kagents_tui.screens.reading import ReadingScreen


class HelpScreen(ReadingScreen):
    """Help for the screen it was called from."""

    def __init__(self, screen: str) -> None:
        super().__init__("Help", None, clean(""))
        self.about = screen

    def on_mount(self) -> None:
        self.text = help_text(
            self.about, read_only=self.kagents.options.read_only, keymap=self.kagents.keymap
        )
        super().on_mount()

    def do_help(self, arguments: tuple[str, ...]) -> None:
        """Help is shown already: back."""
        self.do_back(arguments)


def help_text(screen: str, *, read_only: bool, keymap: Keymap = DEFAULT) -> SafeText:
    """Keys first, then the command line."""
    lines = [f"Keys of this view ({screen})", ""]
    if read_only:
        lines += ["This session is read-only: keys that change something are not bound.", ""]
    lines += [key_line(action) for action in keymap.of_screen(screen, read_only=read_only) if action.keys]
    lines += ["", "Commands, after `:`", ""]
    for action in ACTIONS:
        if action.command and not (read_only and action.mutates):
            lines.append(f"  {f':{action.command} {action.argument}'.strip():<28}  {action.help}")
    for title, actions in elsewhere():
        lines += ["", title, ""]
        lines += [key_line(action) for action in map(keymap.apply, actions) if action.keys]
    lines += ["", "Glyphs", ""]
    lines += [
        "  ▲ !  a person must decide     ◆ ~  look at it        ✗ x  failed",
        "  ● *  works                    ○ o  waits             ✓ +  done",
        "  ‖ =  suspended                ■ #  cancelled         • >  just changed",
    ]
    return clean("\n".join(lines))


def elsewhere() -> Iterator[tuple[str, Iterable[Action]]]:
    """What holds in dialogs and where text is typed, under its titles."""
    yield from ((title, of_dialog(name)) for name, title in DIALOG_TITLES.items())
    yield "Where text is typed", WRITING


def key_line(action: Action) -> str:
    """One key line of the help."""
    keys = ", ".join(shown_keys(action))
    asks = " (asks first)" if action.dangerous else ""
    return f"  {keys:<20}  {action.help}{asks}"
