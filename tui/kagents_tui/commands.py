"""The ``:`` command line: what it accepts, how it completes, what is wrong with a line in one sentence."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, get_args

from kagents_tui.actions import ACTIONS, Action
from kagents_tui.filters import FilterError, selector
from kagents_tui.settings import ThemeName

Item = TypeVar("Item")

ALIASES: Final = {
    "q": "quit",
    "q!": "quit",
    "quit!": "quit",
    "h": "help",
    "namespace": "ns",
    "namespaces": "ns",
    "context": "ctx",
    "contexts": "ctx",
    "cancel": "kill",
    "send": "message",
    "resume": "suspend",
} | {alias: action.command for action in ACTIONS if action.command for alias in action.aliases}
BY_COMMAND: dict[str, Action] = {action.command: action for action in ACTIONS if action.command}
EVERY: Final = "all"
"""Instead of a namespace: every one."""

_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]*!?=[A-Za-z0-9._=-]*")


class CommandError(Exception):
    """A line that cannot be done; its text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Command:
    """A line that was understood."""

    action: Action
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for behind a kind: ``[NAMESPACE…] [LABEL=VALUE…] [/FILTER] [@CONTEXT]``."""

    namespaces: tuple[str, ...] | None = None
    """None: as they are; empty: all."""
    filter: str = ""
    labels: tuple[str, ...] = ()
    context: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What was asked for behind a command about a team: ``[TEAM [AGENT]]``, or ``[TEAM] [/FILTER]``."""

    team: str = ""
    """Empty: the one under the cursor."""
    agent: str | None = None
    filter: str | None = None


def parse(text: str, *, read_only: bool = False) -> Command:
    """Reads a line. Raises ``CommandError`` for an unknown, ambiguous or forbidden command."""
    words = text.strip().removeprefix(":").split()
    if not words:
        raise CommandError("type a command, or press tab to see them")
    name = ALIASES.get(words[0].lower(), words[0].lower())
    if name not in BY_COMMAND:
        matches = sorted(known for known in BY_COMMAND if known.startswith(name))
        if len(matches) != 1:
            hint = (
                f"it could be {', '.join(matches)}"
                if matches
                else f"known are {', '.join(sorted(BY_COMMAND))}"
            )
            raise CommandError(f"there is no command {words[0]!r}: {hint}")
        name = matches[0]
    action = BY_COMMAND[name]
    if read_only and action.mutates:
        raise CommandError(f"{name} changes something, and this session is read-only")
    if not action.argument and len(words) > 1:
        raise CommandError(f"{name} takes no argument, but {words[1]!r} was given")
    return Command(action, tuple(words[1:]))


def request_of(words: Sequence[str]) -> Request:
    """Reads what follows a kind. A filter goes on over spaces until a label or a context.

    Raises ``CommandError`` for a filter or label that cannot be read.
    """
    namespaces: list[str] = []
    labels: list[str] = []
    filter_words: list[str] = []
    context: str | None = None
    for word in words:
        if word.startswith("@") and len(word) > 1:
            context = word[1:]
        elif word.startswith("/") or _goes_on(filter_words, word):
            filter_words.append(word)
        elif "=" in word:
            labels.append(word)
        else:
            namespaces += [each for each in word.split(",") if each]
    text = " ".join(filter_words).removeprefix("/")
    try:
        for label in labels:
            selector(label)
    except FilterError as error:
        raise CommandError(str(error)) from None
    chosen = None if not namespaces else () if EVERY in namespaces else tuple(dict.fromkeys(namespaces))
    return Request(chosen, text, tuple(labels), context)


def about_of(action: Action, words: Sequence[str]) -> About:
    """Reads what follows a command about a team. Raises ``CommandError`` for more words than it takes."""
    named, wanted = list(words), None
    at = next((number for number, word in enumerate(words) if word.startswith("/")), None)
    if action.opens and at is not None:
        named, wanted = named[:at], " ".join(named[at:]).removeprefix("/")
    most = 2 if action.target == "agent" else 1
    if len(named) > most:
        raise CommandError(f"{action.command} takes {action.argument}, but {named[most]!r} was given too")
    return About(named[0] if named else "", named[1] if len(named) > 1 else None, wanted)


def of_all_teams(
    words: Sequence[str], *, inside: bool, teams: Iterable[tuple[str, str]], spaces: Iterable[str]
) -> bool:
    """Whether a line is about all teams, where there is a view of one and one of all.

    ``inside``: it was typed in a view of one team. A word that a team and a namespace have means the team.
    """
    try:
        request = request_of(words)
    except CommandError:
        return True  # and why it cannot be read is said when it is opened
    names = request.namespaces
    if any("/" in each for each in names or ()):
        return False
    if request.labels or request.context is not None or names == ():
        return True
    if names is None:
        return not inside
    return len(names) > 1 or (names[0] in spaces and all(team != names[0] for _, team in teams))


def _goes_on(filter_words: Sequence[str], word: str) -> bool:
    """Whether a word belongs to the filter before it. A label ends a filter, unless ``-l`` waits for one."""
    return bool(filter_words) and (list(filter_words) == ["/-l"] or not _LABEL.fullmatch(word))


def complete(
    text: str,
    *,
    namespaces: Sequence[str],
    contexts: Sequence[str],
    teams: Sequence[str],
    agents: Callable[[str], Sequence[str]],
    read_only: bool = False,
) -> list[str]:
    """Whole lines that the text can become, the most likely first.

    ``teams`` are ``namespace/name``; ``agents`` gives those of a team that was named.
    """
    head, space, last = text.lstrip().rpartition(" ")
    if not space:
        names = [name for name, action in BY_COMMAND.items() if not (read_only and action.mutates)]
        return sorted((name for name in names if name.startswith(last)), key=lambda name: (len(name), name))
    command = ALIASES.get(head.split()[0], head.split()[0])
    action = BY_COMMAND.get(command)
    choices: Sequence[str] = ()
    if command == "ctx":
        choices = contexts
    elif command == "ns":
        choices = [EVERY, *namespaces]
    elif command == "theme":
        choices = get_args(ThemeName)
    elif command == "save":
        choices = ("csv", "text", "svg")
    elif action is not None and action.target in ("team", "agent"):
        choices = _of_team(action, head.split()[1:], teams, agents)
        if action.across and "/" not in head.split()[-1]:
            choices = [f"@{each}" for each in contexts] if last.startswith("@") else choices
            choices = [*choices, *namespaces, EVERY]
    elif action is not None and action.opens:
        if "/" not in head:
            choices = [*namespaces, EVERY]
        choices = [f"@{each}" for each in contexts] if last.startswith("@") else choices
    return [f"{head} {choice}" for choice in choices if choice.startswith(last)]


def _of_team(
    action: Action, before: Sequence[str], teams: Sequence[str], agents: Callable[[str], Sequence[str]]
) -> Sequence[str]:
    """What can come next where a team is named: one with its namespace or by a name of its own, its agent."""
    if not before:
        names = Counter(each.partition("/")[2] for each in teams)
        return [*teams, *(name for name, count in names.items() if count == 1)]
    return agents(before[0]) if len(before) == 1 and action.target == "agent" else ()


def named(name: str, teams: Mapping[tuple[str, str], Item]) -> Item | None:
    """The team that is meant by ``namespace/name``, or by a name that only one has."""
    if "/" in name:
        space, _, rest = name.partition("/")
        return teams.get((space, rest))
    found = [team for key, team in teams.items() if key[1] == name]
    return found[0] if len(found) == 1 else None


def no_team(name: str, teams: Iterable[tuple[str, str]]) -> str:
    """Why a name means no team: none has it, or several."""
    count = sum(key[1] == name for key in teams)
    return (
        f"{count} teams are called {name}; write NAMESPACE/{name}"
        if count
        else f"there is no team {name!r} here"
    )
