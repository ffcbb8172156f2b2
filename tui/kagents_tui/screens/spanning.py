"""When a view that there is of one team and of all teams is about all of them."""

from typing import TYPE_CHECKING, Any

from kagents_tui.actions import Action
from kagents_tui.commands import of_all_teams

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp


class Spanning:
    """Joins a screen from which such views are opened. One with a ``key`` is about that team."""

    if TYPE_CHECKING:

        @property
        def kagents(self) -> KagentsApp:
            """The application."""

        def selected(self) -> Any:
            """The team that the acts of this screen are about."""

    def is_of_all(self, action: Action, arguments: tuple[str, ...]) -> bool:
        """Whether the action shows all teams: here, and with what the command line says."""
        app = self.kagents
        inside = getattr(self, "key", None) is not None and self.selected() is not None
        spaces = {*app.favourites.known, *app.favourites.used, *app.namespaces}
        return bool(action.across) and of_all_teams(arguments, inside=inside, teams=app.teams, spaces=spaces)
