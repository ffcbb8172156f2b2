"""What can come next on a command line, read from the parser itself; names come from whoever knows them.

Nothing here writes, fails or waits: a line that makes no sense has no continuation.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

FILES: Final = "files"
FOLDERS: Final = "folders"

NAMED: Final = {"TEAM": "teams", "AGENT": "agents", "EVENT": "gates", "ARTIFACT": "artifacts"}
"""Which names stand for an argument, by what the help calls it."""

BY_OPTION: Final = {"namespace": "namespaces", "context": "contexts", "kubeconfig": FILES, "data": FOLDERS}
KINDS: Final = (
    "message",
    "idle_notification",
    "task_assignment",
    "shutdown_request",
    "plan_approval_request",
)
GOALS: Final = ("Completed", "Failed", "Running", "gate", "attention", "delete")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that can come next, and what it means."""

    word: str
    meaning: str = ""


@dataclass(slots=True)
class Line:
    """What was typed so far: the connection's options, the verb's arguments before the word at the cursor."""

    options: dict[str, str] = field(default_factory=dict)
    verb: str = ""
    arguments: list[str] = field(default_factory=list)
    wants: argparse.Action | None = None
    """The option whose value comes next."""


Names = Callable[[str, Line], Sequence[Candidate]]
"""Gives the names of a kind: ``teams``, ``agents`` and ``gates`` of a team, ``artifacts`` and others."""


def candidates(parser: argparse.ArgumentParser, words: Sequence[str], names: Names) -> list[Candidate] | str:
    """Words that can stand in place of the last one, or ``FILES`` or ``FOLDERS`` for paths."""
    typed = words[-1] if words else ""
    verbs = verbs_of(parser)
    line = read(parser, verbs, words[:-1])
    found = following(parser, verbs, line, typed, names)
    if isinstance(found, str):
        return found
    return [each for each in found if each.word.startswith(typed)]


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Every verb: its parser and its help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            meanings = {choice.dest: choice.help or "" for choice in action._choices_actions}
            return {name: (verb, meanings.get(name, "")) for name, verb in action.choices.items()}
    return {}


def read(
    parser: argparse.ArgumentParser,
    verbs: dict[str, tuple[argparse.ArgumentParser, str]],
    words: Sequence[str],
) -> Line:
    """The words before the cursor."""
    line = Line()
    for word in words:
        known = verbs[line.verb][0] if line.verb else parser
        if line.wants is not None:
            line.options[line.wants.dest] = word
            line.wants = None
        elif word.startswith("-") and len(word) > 1:
            name, equals, value = word.partition("=")
            action = known._option_string_actions.get(name)
            if action is None:
                continue
            if equals:
                line.options[action.dest] = value
            elif action.nargs != 0:
                line.wants = action
            else:
                line.options[action.dest] = "true"
        elif not line.verb:
            line.verb = word if word in verbs else ""
        else:
            line.arguments.append(word)
    return line


def following(
    parser: argparse.ArgumentParser,
    verbs: dict[str, tuple[argparse.ArgumentParser, str]],
    line: Line,
    typed: str,
    names: Names,
) -> list[Candidate] | str:
    """What can follow a line, whatever was typed of it already."""
    known = verbs[line.verb][0] if line.verb else parser
    if line.wants is not None:
        return values_of(line.wants, line, names)
    if typed.startswith("-"):
        return options_of(known)
    if not line.verb:
        return [Candidate(name, meaning) for name, (_, meaning) in verbs.items()]
    positionals = [each for each in known._actions if not each.option_strings]
    if len(line.arguments) >= len(positionals):
        return []
    return values_of(positionals[len(line.arguments)], line, names)


def options_of(parser: argparse.ArgumentParser) -> list[Candidate]:
    """The long options of a parser."""
    return [
        Candidate(action.option_strings[-1], (action.help or "").partition(";")[0])
        for action in parser._actions
        if action.option_strings
    ]


def values_of(action: argparse.Action, line: Line, names: Names) -> list[Candidate] | str:
    """What an argument or an option takes."""
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices is not None:
        return [Candidate(str(each)) for each in action.choices]
    if action.dest in BY_OPTION or metavar in NAMED:
        kind = NAMED.get(metavar) or BY_OPTION[action.dest]
        return kind if kind in (FILES, FOLDERS) else list(names(kind, line))
    if "FILE" in metavar or metavar == "DEST":
        return FILES
    words = {"KIND": KINDS, "GOAL": GOALS}.get(metavar, ())
    return [Candidate(each) for each in words]
