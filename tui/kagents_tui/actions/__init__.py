"""The registry of everything a person can do: keys, footer, help, command line and docs/keys.md come from it.

An action belongs to scopes; a screen or dialog has several. Two actions of one of these never share a key
(tested). A ``mutates`` action is unbound in read-only mode. ``needs`` is the permission it is checked against
before use; what only confirms such an action, as in a dialog, has none of its own.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from kagents_tui.actions.action import Action, Need, Scope
from kagents_tui.actions.acts import ACTS
from kagents_tui.actions.agent import AGENT
from kagents_tui.actions.attention import ATTENTION
from kagents_tui.actions.dialogs import DIALOGS, IN_DIALOGS
from kagents_tui.actions.keeping import KEEPING
from kagents_tui.actions.kinds import KINDS
from kagents_tui.actions.moves import MOVES
from kagents_tui.actions.team import TEAM
from kagents_tui.actions.views import VIEWS
from kagents_tui.actions.writing import WRITING

ACTIONS: Final[tuple[Action, ...]] = (
    *(*KINDS, *ACTS, *AGENT, *VIEWS, *KEEPING, *MOVES, *TEAM, *ATTENTION),
    *(*IN_DIALOGS, *WRITING),
)
BY_ID: Final[dict[str, Action]] = {action.id: action for action in ACTIONS}

SCREENS: Final[dict[str, tuple[Scope, ...]]] = {
    "teams": ("everywhere", "list", "view", "marks", "acts", "teams"),
    "attention": ("everywhere", "list", "attention"),
    "gates": ("everywhere", "list", "view", "marks", "acts", "gates"),
    "agents": ("everywhere", "list", "view", "acts", "agents"),
    "artifacts": ("everywhere", "list", "view", "acts", "artifacts"),
    "runs": ("everywhere", "list", "view", "marks", "objects", "runs"),
    "templates": ("everywhere", "list", "view", "marks", "objects", "templates"),
    "budgets": ("everywhere", "list", "view", "objects", "budgets"),
    "cost": ("everywhere", "list", "view", "objects", "cost"),
    "events": ("everywhere", "list", "view", "objects", "events"),
    "namespace": ("everywhere", "list", "marks"),
    "context": ("everywhere", "list"),
    "team": ("everywhere", "list", "acts", "team"),
    "mail": ("everywhere", "list", "mail"),
    "tasks": ("everywhere", "list", "tasks"),
    "all-mail": ("everywhere", "list", "view", "all-mail"),
    "all-tasks": ("everywhere", "list", "view", "all-tasks"),
    "pulse": ("everywhere", "list"),
    "document": ("everywhere", "document"),
    "log": ("everywhere", "document", "book", "log"),
    "agent": ("everywhere", "document", "book", "agent"),
    "transcript": ("everywhere", "document", "book", "transcript"),
    "diff": ("everywhere", "document", "diff"),
}
"""The scopes of each screen."""

SURFACES: Final = SCREENS | DIALOGS
"""The scopes of everything that takes keys; two actions of one of these never share a key."""

SHOWN: Final = {
    "colon": ":",
    "question_mark": "?",
    "slash": "/",
    "escape": "esc",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "backslash": "\\",
    "minus": "-",
}
"""Textual names of keys, and how a person reads them."""


def of_screen(screen: str, *, read_only: bool = False) -> Iterator[Action]:
    """The actions a screen or dialog has; in read-only mode those that change something are gone."""
    scopes = set(SURFACES[screen])
    return (
        action
        for action in ACTIONS
        if scopes.intersection(action.scopes) and not (read_only and action.mutates)
    )


def key_words(action: Action) -> str:
    """The first key as a person reads it: ``ctrl-k``, ``?``."""
    return shown_key(action.keys[0]) if action.keys else ""


def shown_key(key: str) -> str:
    """A Textual key name as a person reads it."""
    modifiers, plus, last = key.rpartition("+")
    return (modifiers + plus).replace("+", "-") + SHOWN.get(last, last)


def shown_keys(action: Action) -> tuple[str, ...]:
    """All keys of an action as a person reads them; those of a numbered one from the first to the last."""
    keys = tuple(dict.fromkeys(shown_key(key) for key in action.keys))
    return (f"{keys[0]} to {keys[-1]}",) if action.numbered and len(keys) > 2 else keys


def clashes(actions: Iterable[Action]) -> list[str]:
    """One sentence for each key that two of the actions claim."""
    claimed: dict[str, str] = {}
    found = []
    for action in actions:
        for key in action.keys:
            if key in claimed:
                found.append(f"the key {shown_key(key)} is claimed by {claimed[key]} and by {action.id}")
            claimed[key] = action.id
    return found


__all__ = [
    "ACTIONS",
    "ACTS",
    "BY_ID",
    "DIALOGS",
    "KINDS",
    "MOVES",
    "SCREENS",
    "SURFACES",
    "VIEWS",
    "Action",
    "Need",
    "Scope",
    "clashes",
    "key_words",
    "of_screen",
    "shown_key",
    "shown_keys",
]
