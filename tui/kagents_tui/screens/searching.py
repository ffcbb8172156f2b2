"""What the screens that read a text share: a search line, matches forth and back, escape ends the search."""

from kagents_tui.rows.cells import cell
from kagents_tui.screens.view import View
from kagents_tui.widgets.searched import Searched


class SearchingView(View, inherit_bindings=False):
    """A screen with one text to search."""

    def __init__(self) -> None:
        super().__init__()
        self.found = ""
        """What was searched and how often it was found, for the bars; empty while nothing is searched."""

    def searched(self) -> Searched:
        """The widget with the text."""
        raise NotImplementedError

    def do_search(self, arguments: tuple[str, ...]) -> None:
        """Opens the search line."""
        self.open_prompt("search", "")

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        """Searches when the text was entered; given up, the marks go."""
        if not done:
            return
        count = self.searched().search(text or "")
        self.found = f"/{text} {count} lines" if text else ""
        self.refresh_bars()

    def do_next_match(self, arguments: tuple[str, ...]) -> None:
        """The next match."""
        self._jump(+1)

    def do_previous_match(self, arguments: tuple[str, ...]) -> None:
        """The match before."""
        self._jump(-1)

    def _jump(self, step: int) -> None:
        if not self.searched().next_match(step):
            self.say(cell(f"no match; {self.kagents.keymap.words('search')} searches").text, "dim")

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """Ends a search first, then goes back."""
        if self.found:
            self.searched().search("")
            self.found = ""
            self.refresh_bars()
        else:
            super().do_back(arguments)
