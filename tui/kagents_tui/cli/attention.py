"""``kagents attention``: what waits for a person, in all teams, the most urgent first."""

import argparse
from datetime import UTC, datetime

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "attention",
        "list what waits for a person: gates, requests, plans, stale mail, silent agents, failures",
        ("kagents attention -A", "kagents attention --exit-code", "kagents attention -A -o json"),
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="end with 1 when anything is listed; without it, it ends with 0 either way",
    )
    options.add_everywhere(parser)
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=attention)


async def attention(arguments: argparse.Namespace) -> int:
    """Print the list, by the thresholds of the configuration file."""
    from kagents_tui import configuration
    from kagents_tui.rows.ages import age
    from kagents_tui.rows.teams import project
    from kagents_tui.rows.waiting import as_data, waiting_of, what

    try:
        thresholds = configuration.load().attention
    except configuration.ConfigurationError as error:
        raise CommandError(exits.REFUSED, str(error)) from None
    async with options.session(arguments) as session:
        items = (await session.client.list(AGENT_TEAMS, session.scope)).items
    now = datetime.now(UTC)
    found = waiting_of([project(each, thresholds) for each in items], now)
    if arguments.output == "json":
        output.write_json([as_data(each) for each in found])
    elif not found:
        where = "any namespace" if session.everywhere else f"namespace {session.namespace}"
        options.note(f"nothing waits for a person in {where}")
    else:
        head = (["NAMESPACE"] if session.everywhere else []) + [
            "TEAM",
            "KIND",
            "AGENT",
            "AGE",
            "REQUEST",
            "WHAT",
        ]
        rows = [
            ([each.team.namespace] if session.everywhere else [])
            + [each.team.name, each.kind, each.need.agent, age(now, each.since)]
            + [each.need.request.id if each.need.request else each.need.event, what(each)]
            for each in found
        ]
        output.write_table(head, rows, widest=output.terminal_width())
    return exits.FAILED if found and arguments.exit_code else exits.OK
