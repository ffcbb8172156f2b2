"""``kagents attach``: the agent's own screen in this terminal."""

import argparse

from kagents_core.detachkey import DEFAULT
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "attach",
        "show an agent's own screen in this terminal and type into it; leaving never stops the agent",
        ("kagents attach q3-report", "kagents attach q3-report researcher --read-only"),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument(
        "agent", nargs="?", default="lead", metavar="AGENT", help="lead (the default), or a teammate"
    )
    parser.add_argument("--read-only", action="store_true", help="look, and type nothing")
    parser.add_argument(
        "--detach-key", default=DEFAULT, metavar="KEY", help=f"leaves; the agent goes on (default: {DEFAULT})"
    )
    options.add_connection(parser)
    parser.set_defaults(run=attach)


async def attach(arguments: argparse.Namespace) -> int:
    """Find the pod, and stay until the end."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui import attaching
    from kagents_tui.acts import ActError
    from kagents_tui.cli.talking import agent_names

    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        names = agent_names(team)
        if arguments.agent not in names:
            known = ", ".join(names)
            raise CommandError(
                exits.NOT_FOUND, f"{arguments.team} has no agent {arguments.agent}; its agents: {known}"
            )
        try:
            wanted = attaching.Wanted(
                session.namespace,
                attaching.pod_of(team, arguments.agent),
                arguments.agent,
                arguments.read_only,
                arguments.detach_key,
            )
            said = await attaching.attach(session.client, wanted)
        except ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    output.write(f"{said}\n")
    return exits.OK
