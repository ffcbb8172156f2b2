"""Textual's bindings, made from the registry: nothing else in the package names a key (tested).

Each binding has an id of its action, by which ``App.set_keymap`` gives it the keys that a person chose.
"""

from collections.abc import Mapping
from types import MappingProxyType

from textual.binding import Binding, BindingType

from kagents_tui.actions import ACTIONS, SCREENS, Action
from kagents_tui.actions.keymap import binding_id, no_key, sent_as

OPENS_TYPING = ("command", "filter", "search")
"""Actions after which a person types on: they are done before the next key is given to anyone."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def bindings(screen: str) -> list[BindingType]:
    """The bindings of a screen; those that hold everywhere are the application's."""
    return [
        each
        for action in ACTIONS
        if set(action.scopes).intersection(SCREENS[screen]) and "always" not in action.scopes
        for each in _of(action, action.id in OPENS_TYPING, f"act('{action.id}', %d)")
    ]


def bindings_of(*scopes: str, first: bool = False, does: Mapping[str, str] = NOTHING) -> list[BindingType]:
    """The bindings of a part that takes keys itself: of all actions in these scopes.

    ``first``: before the part with the focus sees the key, as where text is typed. ``does`` names Textual's
    own action for one that a widget of its has already; others are the method ``do_<id>`` of ``Bound``.
    """
    return [
        each
        for action in ACTIONS
        if set(action.scopes).intersection(scopes)
        for each in _of(action, first, does.get(action.id, f"act('{action.id}', %d)"))
    ]


def _of(action: Action, first: bool, does: str) -> list[Binding]:
    return [
        Binding(
            sent_as(key),
            does.replace("%d", str(number)),
            action.title,
            show=False,
            priority=first,
            id=binding_id(action.id, number),
        )
        for number, key in enumerate(action.keys or (no_key(action.id),))
    ]


class Bound:
    """Something with keys of its own: ``do_<id>`` carries an action out."""

    def action_act(self, name: str, number: int = 0) -> None:
        """A key of the registry was pressed."""
        getattr(self, f"do_{name}")()
