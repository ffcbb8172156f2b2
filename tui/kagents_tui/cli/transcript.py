"""``kagents transcript``: what an agent was given, said and did, from its own session."""

import argparse
from contextlib import aclosing

from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "transcript",
        "print an agent's turns: what it was given, said, called, and what came of it",
        (
            "kagents transcript q3-report researcher --last 50",
            "kagents transcript q3-report -f",
            "kagents transcript q3-report -o json",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument(
        "agent", nargs="?", default="lead", metavar="AGENT", help="lead (the default), or a teammate"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    parser.add_argument("--last", type=_number, metavar="N", help="only the last N turns, at most 5000")
    parser.add_argument(
        "--after",
        type=_number,
        default=0,
        metavar="OFFSET",
        help="only what stands behind this place (the field end)",
    )
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=transcript)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of 0 or more")
    return int(text)


async def transcript(arguments: argparse.Namespace) -> int:
    """Print turns as they come from the hub."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.acts import ActError
    from kagents_tui.cli.talking import agent_names
    from kagents_tui.hub_lines import printed
    from kagents_tui.rows.agentlog import turn_text
    from kagents_tui.turns import turn_of

    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        names = agent_names(team)
        if arguments.agent not in names:
            known = ", ".join(names)
            raise CommandError(
                exits.NOT_FOUND, f"{arguments.team} has no agent {arguments.agent}; its agents: {known}"
            )
        wanted = ["transcript", "--agent", arguments.agent, "--after", str(arguments.after)]
        wanted += [] if arguments.last is None else ["--last", str(arguments.last)]
        wanted += ["--follow"] if arguments.follow else []
        try:
            async with aclosing(printed(session.client, team, wanted)) as entries:
                async for entry in entries:
                    turn = turn_of(entry)
                    if turn is not None and arguments.output == "json":
                        output.write_json_line(entry)
                    elif turn is not None:
                        output.write(turn_text(turn) + "\n")
        except ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    return exits.OK
