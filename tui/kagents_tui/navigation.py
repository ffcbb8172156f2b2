"""Going from view to view: kinds of the command line, drilled views, and the history of both."""

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from kagents_tui.actions import BY_ID
from kagents_tui.places import Place

if TYPE_CHECKING:
    from textual.widget import AwaitMount

    from kagents_tui.app import KagentsApp
    from kagents_tui.screens.view import View

ROOT: Final = "teams"
"""The kind of the first screen, which is never closed."""

DRILLED: Final = {
    "team": "kagents_tui.screens.team:TeamScreen",
    "agent": "kagents_tui.screens.agent:AgentScreen",
    "all-mail": "kagents_tui.screens.all_mail:AllMailScreen",
    "all-tasks": "kagents_tui.screens.all_tasks:AllTasksScreen",
}
"""Views without a command of their own, written as ``Action.opens``.

``place.about`` says of what they are; those of all teams need none.
"""


def screen_class(kind: str) -> "type[View] | None":
    """The class of a kind's screen; None when no such kind is known."""
    action = BY_ID.get(kind)
    where = DRILLED.get(kind) or (action.opens if action else "")
    if not where:
        return None
    module, _, name = where.partition(":")
    return cast("type[View]", getattr(import_module(module), name))


def go(app: "KagentsApp", place: Place) -> None:
    """Shows a kind on top of the first screen, and remembers the way."""
    remember(app)
    app.places.visit(place)
    show(app, place)


def drill(app: "KagentsApp", screen: "View") -> "AwaitMount":
    """Opens a screen on top of the present one, and remembers the way when the screen is a place."""
    remember(app)
    place = screen.place()
    if place is not None:
        app.places.visit(place)
    return app.push_screen(screen)


def remember(app: "KagentsApp") -> None:
    """Writes down how the present view is looked at; one that is not made yet, or is closing, has no look."""
    from kagents_tui.screens.view import View

    if isinstance(app.screen, View) and app.screen.ready and app.screen.place() is not None:
        app.places.look(app.screen.look())


def show(app: "KagentsApp", place: Place) -> None:
    """Shows a place: on the first screen, or in a new one on top of it."""
    from kagents_tui.screens.view import View

    chosen = screen_class(place.kind)
    if chosen is None:
        return
    with app.batch_update():
        while len(app.screen_stack) > 2:
            app.pop_screen()
        if place.kind != ROOT:
            app.push_screen(chosen.at(place))
        elif isinstance(app.screen, View):
            app.screen.arrive(place.look)


def leave(app: "KagentsApp") -> None:
    """Closes the present screen; the one below is the present place again."""
    from kagents_tui.screens.view import View

    remember(app)
    app.pop_screen()
    below = app.screen
    if isinstance(below, View) and (place := below.place()) is not None:
        app.places.visit(place)
