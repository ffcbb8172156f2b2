"""``kagents retry``: let a delivery that waits for a person be tried again."""

import argparse

from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "retry",
        "try a team's delivery again that waits for a person, once its cause is mended",
        ("kagents retry auth-refactor", "kagents retry auth-refactor -o json"),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=retry)


async def retry(arguments: argparse.Namespace) -> int:
    """Give the word."""
    from kagents_tui import acts, retrying

    async with options.session(arguments) as session:
        try:
            word, failure = await retrying.retry(session.client, session.namespace, arguments.team)
        except acts.ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    if arguments.output == "json":
        told = {"namespace": session.namespace, "team": arguments.team, "retry": word}
        output.write_json({**told, "failed": failure.message})
    else:
        output.write(f"the delivery of {session.namespace}/{arguments.team} is tried again\n")
    return exits.OK
