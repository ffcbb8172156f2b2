"""``kagents diff``: what an agent has changed in its worktree."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_tui.worktree import WorktreeDiff

_COLOURS = {"good": "32", "bad": "31", "accent": "36", "strong": "1", "warn": "33", "dim": "2"}


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "diff",
        "show what an agent has changed in its worktree, committed or not, since it began",
        (
            "kagents diff auth-refactor backend-api",
            "kagents diff auth-refactor --stat",
            "kagents diff auth-refactor -o json",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument("agent", nargs="?", metavar="AGENT", help="one agent; all of them when absent")
    parser.add_argument("--stat", action="store_true", help="names and numbers only")
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=diff)


async def diff(arguments: argparse.Namespace) -> int:
    """Ask the hub for each agent, and write what it says."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui import worktree
    from kagents_tui.acts import ActError
    from kagents_tui.cli.talking import agent_names

    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        names = agent_names(team)
        if arguments.agent not in (None, *names):
            known = ", ".join(names)
            raise CommandError(
                exits.NOT_FOUND, f"{arguments.team} has no agent {arguments.agent}; its agents: {known}"
            )
        chosen = [arguments.agent] if arguments.agent else names
        try:
            found = [
                await worktree.fetch(session.client, team, name, patches=not arguments.stat)
                for name in chosen
            ]
        except ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    if arguments.output == "json":
        output.write_json([_data(each) for each in found])
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        output.write("\n".join(_text(each, stat=arguments.stat, colour=colour) for each in found))
    return exits.OK


def _data(found: "WorktreeDiff") -> dict[str, Any]:
    return {
        "agent": found.agent,
        "branch": found.branch,
        "base": found.base,
        "head": found.head,
        "omitted": found.omitted,
        "files": [{key: value for key, value in each.items() if key != "kind"} for each in found.raw],
    }


def _text(found: "WorktreeDiff", *, stat: bool, colour: bool) -> str:
    from kagents_tui.worktree import as_lines

    lines = as_lines(found)
    if stat:
        lines = lines[: 1 + max(1, len(found.files)) + bool(found.omitted)]
    return "".join(
        f"\x1b[{_COLOURS[each.tone]}m{each.text}\x1b[0m\n"
        if colour and each.tone in _COLOURS
        else f"{each.text}\n"
        for each in lines
    )
