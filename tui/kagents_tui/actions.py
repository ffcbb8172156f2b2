"""The registry of everything a person can do: keys, footer, help, command line and docs/keys.md come from it.

An action belongs to scopes; a screen has several. Two actions of one screen never share a key (tested). A
``mutates`` action is unbound in read-only mode. ``needs`` is the permission it is checked against before use.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

Scope = Literal["everywhere", "list", "acts", "teams", "gates", "team", "document", "log"]
Target = Literal["nothing", "team", "agent"]


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, as ``SelfSubjectAccessReview`` knows it."""

    verb: str
    resource: str
    """Attribute of ``kagents_core.api.resources``."""
    subresource: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    id: str
    keys: tuple[str, ...]
    title: str
    """One or two words for the footer."""
    help: str
    scopes: tuple[Scope, ...]
    target: Target = "nothing"
    mutates: bool = False
    dangerous: bool = False
    """It ends work or removes something: it always asks first, with Cancel focused."""
    needs: Need | None = None
    command: str | None = None
    """Its name on the ``:`` command line."""
    argument: str = ""
    footer: bool = False


PATCH_TEAMS: Final = Need("patch", "AGENT_TEAMS")
DELETE_TEAMS: Final = Need("delete", "AGENT_TEAMS")
EXEC: Final = Need("create", "PODS", "exec")
LOGS: Final = Need("get", "PODS", "log")

ACTS: Final = (
    Action(
        "approve",
        ("a",),
        "approve",
        "Approve the waiting gate",
        ("acts",),
        "team",
        True,
        False,
        PATCH_TEAMS,
        "approve",
        "[TEAM]",
        True,
    ),
    Action(
        "deny",
        ("r",),
        "deny",
        "Deny the waiting gate",
        ("acts",),
        "team",
        True,
        True,
        PATCH_TEAMS,
        "deny",
        "[TEAM]",
        True,
    ),
    Action("open", ("enter",), "open", "Open what the cursor is on", ("list",), footer=True),
    Action(
        "message",
        ("m",),
        "message",
        "Write to an agent of the team",
        ("acts",),
        "agent",
        True,
        False,
        EXEC,
        "message",
        "[TEAM]",
        True,
    ),
    Action(
        "kill",
        ("ctrl+k",),
        "kill",
        "Cancel the team: its agents stop and do not come back",
        ("acts",),
        "team",
        True,
        True,
        PATCH_TEAMS,
        "kill",
        "[TEAM]",
        True,
    ),
    Action(
        "suspend",
        ("s",),
        "suspend",
        "Suspend the team, or resume it: files and sessions stay",
        ("acts",),
        "team",
        True,
        False,
        PATCH_TEAMS,
        "suspend",
        "[TEAM]",
        True,
    ),
    Action(
        "delete",
        ("ctrl+d",),
        "delete",
        "Delete the team with everything it owns",
        ("acts",),
        "team",
        True,
        True,
        DELETE_TEAMS,
        "delete",
        "[TEAM]",
    ),
    Action(
        "logs",
        ("l",),
        "logs",
        "Logs of the agent, followed",
        ("acts",),
        "agent",
        needs=LOGS,
        command="logs",
        argument="[TEAM]",
        footer=True,
    ),
    Action(
        "describe",
        ("d",),
        "describe",
        "Facts, conditions and events of the team",
        ("acts",),
        "team",
        command="describe",
        argument="[TEAM]",
    ),
    Action(
        "yaml", ("y",), "yaml", "The object as YAML", ("acts",), "team", command="yaml", argument="[TEAM]"
    ),
)

VIEWS: Final = (
    Action("teams", (), "teams", "All teams, what needs a person first", ("everywhere",), command="teams"),
    Action("gates", ("v",), "gates", "Every gate that waits, across all teams", ("teams",), command="gates"),
    Action(
        "namespace",
        (),
        "namespace",
        "Show these namespaces only; `all` shows every one",
        ("everywhere",),
        command="ns",
        argument="NAMESPACE… | all",
    ),
    Action(
        "context",
        (),
        "context",
        "Change to another context of the kubeconfig",
        ("everywhere",),
        command="ctx",
        argument="CONTEXT",
    ),
    Action(
        "command", ("colon",), "command", "Open the command line; tab completes", ("everywhere",), footer=True
    ),
    Action(
        "help",
        ("question_mark",),
        "help",
        "Every key of this view",
        ("everywhere",),
        command="help",
        footer=True,
    ),
    Action(
        "back", ("escape", "q"), "back", "Clear the filter, else go back; it never quits", ("everywhere",)
    ),
    Action("interrupt", ("ctrl+c",), "interrupt", "Twice within two seconds: quit", ("everywhere",)),
    Action("quit", ("ctrl+q",), "quit", "Quit at once; teams keep running", ("everywhere",), command="quit"),
)

MOVES: Final = (
    Action("down", ("j", "down"), "down", "One row down", ("list", "document")),
    Action("up", ("k", "up"), "up", "One row up", ("list", "document")),
    Action("first", ("g", "home"), "first", "To the first row", ("list", "document")),
    Action("last", ("G", "end"), "last", "To the last row", ("list", "document")),
    Action("page_down", ("ctrl+f", "pagedown"), "page down", "One page down", ("list", "document")),
    Action("page_up", ("ctrl+b", "pageup"), "page up", "One page up", ("list", "document")),
    Action(
        "filter",
        ("slash",),
        "filter",
        "Show matching rows: a regular expression, `!` in front inverts",
        ("list",),
        footer=True,
    ),
    Action("sort_attention", ("U",), "sort: urgent", "Sort by what is most urgent", ("teams",)),
    Action("sort_name", ("N",), "sort: name", "Sort by name; again reverses", ("teams", "gates")),
    Action("sort_phase", ("P",), "sort: phase", "Sort by phase; again reverses", ("teams",)),
    Action("sort_cost", ("C",), "sort: cost", "Sort by cost; again reverses", ("teams", "gates")),
    Action("sort_age", ("A",), "sort: age", "Sort by age; again reverses", ("teams",)),
    Action("next_pane", ("tab",), "pane", "To the next pane", ("team",), footer=True),
    Action("previous_pane", ("shift+tab",), "previous pane", "To the pane before", ("team",)),
    Action("pane_agents", ("1",), "agents", "To the agents", ("team",)),
    Action("pane_mail", ("2",), "mail", "To the mail", ("team",)),
    Action("pane_tasks", ("3",), "tasks", "To the tasks", ("team",)),
    Action("pane_timeline", ("4",), "timeline", "To the timeline", ("team",)),
    Action("search", ("slash",), "search", "Search: a regular expression", ("document",), footer=True),
    Action("next_match", ("n",), "next match", "To the next match", ("document",), footer=True),
    Action("previous_match", ("N",), "previous match", "To the match before", ("document",)),
    Action("wrap", ("w",), "wrap", "Wrap long lines, or cut them", ("document",), footer=True),
    Action("follow", ("s",), "follow", "Follow the end, or stay", ("log",), footer=True),
)

ACTIONS: Final[tuple[Action, ...]] = (*ACTS, *VIEWS, *MOVES)
BY_ID: Final[dict[str, Action]] = {action.id: action for action in ACTIONS}

SCREENS: Final[dict[str, tuple[Scope, ...]]] = {
    "teams": ("everywhere", "list", "acts", "teams"),
    "gates": ("everywhere", "list", "acts", "gates"),
    "team": ("everywhere", "list", "acts", "team"),
    "document": ("everywhere", "document"),
    "log": ("everywhere", "document", "log"),
}
"""The scopes of each screen."""


def of_screen(screen: str, *, read_only: bool = False) -> Iterator[Action]:
    """The actions a screen has; in read-only mode those that change something are gone."""
    scopes = set(SCREENS[screen])
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
    names = {"colon": ":", "question_mark": "?", "slash": "/", "escape": "esc", "enter": "enter"}
    return names.get(key, key.replace("+", "-"))


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
