"""The ``:`` command line: what it accepts, how it completes, what is wrong with a line in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from kagents_tui.actions import ACTIONS, Action

ALIASES = {
    "q": "quit",
    "q!": "quit",
    "quit!": "quit",
    "t": "teams",
    "team": "teams",
    "gate": "gates",
    "h": "help",
    "namespace": "ns",
    "context": "ctx",
    "cancel": "kill",
    "send": "message",
    "resume": "suspend",
    "agentteams": "teams",
}
BY_COMMAND: dict[str, Action] = {action.command: action for action in ACTIONS if action.command}


class CommandError(Exception):
    """A line that cannot be done; its text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Command:
    """A line that was understood."""

    action: Action
    arguments: tuple[str, ...]


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


def complete(
    text: str,
    *,
    namespaces: Sequence[str],
    contexts: Sequence[str],
    teams: Sequence[str],
    read_only: bool = False,
) -> list[str]:
    """Whole lines that the text can become, the most likely first. ``teams`` are ``namespace/name``."""
    head, space, last = text.lstrip().rpartition(" ")
    if not space:
        names = [name for name, action in BY_COMMAND.items() if not (read_only and action.mutates)]
        return sorted((name for name in names if name.startswith(last)), key=lambda name: (len(name), name))
    command = ALIASES.get(head.split()[0], head.split()[0])
    action = BY_COMMAND.get(command)
    choices: Sequence[str] = ()
    if command == "ns":
        choices = ["all", *namespaces]
    elif command == "ctx":
        choices = contexts
    elif action is not None and action.target in ("team", "agent"):
        choices = teams
    return [f"{head} {choice}" for choice in choices if choice.startswith(last)]
