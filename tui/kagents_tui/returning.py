"""Coming back to where a person was the last time, and writing down where she is."""

import asyncio
from typing import TYPE_CHECKING, Final

from kagents_tui import navigation
from kagents_tui.memory import Seen
from kagents_tui.places import Place

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.screens.view import View

LOOK_SECONDS: Final = 5.0


def root(app: "KagentsApp") -> "View | None":
    """The first screen."""
    from kagents_tui.screens.view import View

    first = app.screen_stack[1] if len(app.screen_stack) > 1 else None
    return first if isinstance(first, View) else None


async def come_back(app: "KagentsApp") -> None:
    """Goes to the last view of this context, unless the person has gone somewhere already."""
    memory, first = app.memory, root(app)
    if memory.remark:
        app.say(memory.remark, "warn")
    if app.connection is None or memory.context != app.connection.context or first is None:
        return
    if memory.root is not None and not untouched(app):
        return
    if memory.root is not None:
        first.arrive(memory.root.look)
    place = memory.place
    if place is None or place.kind == navigation.ROOT or navigation.screen_class(place.kind) is None:
        return
    if await is_there(app, place) and untouched(app):
        navigation.go(app, place)


def untouched(app: "KagentsApp") -> bool:
    """Whether the person is still where the terminal opened."""
    return app.screen is root(app) and len(app.places.places) == 1


async def is_there(app: "KagentsApp", place: Place) -> bool:
    """Whether what a view is about still exists; a list always does."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_core.kube.errors import KubeError

    if not place.about:
        return True
    if len(place.about) < 2 or app.connection is None:
        return False
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await app.connection.client.get(AGENT_TEAMS, place.about[0], place.about[1])
    except (KubeError, TimeoutError):
        return False
    return True


def write_down(app: "KagentsApp") -> None:
    """Writes down where the person is, if that has changed since the last time."""
    first = root(app)
    if app.connection is None or first is None:
        return
    navigation.remember(app)
    app.memory.place, app.memory.root = app.places.here, first.place()
    app.memory.context = app.connection.context
    app.memory.see(app.connection.context, Seen(app.namespaces, tuple(app.favourites.used)))
    app.memory.save()
