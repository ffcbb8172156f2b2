"""``kagents approve`` and ``kagents deny``: what a person decides about a gate."""

import argparse

from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    for name, words in (
        ("approve", "let a team pass a gate that waits for a person"),
        ("deny", "refuse a gate for good; the teammate behind it does not start"),
    ):
        parser = options.verb(
            verbs, name, words, (f"kagents {name} q3-report", f"kagents {name} q3-report spawn-email-drafter")
        )
        parser.add_argument("team", metavar="TEAM", help="name of the team")
        parser.add_argument(
            "event", nargs="?", metavar="EVENT", help="the gate; may be left out when only one waits"
        )
        options.add_output(parser, ("table", "json"))
        options.add_connection(parser)
        parser.set_defaults(run=decide)


async def decide(arguments: argparse.Namespace) -> int:
    """Write the decision."""
    from kagents_tui import acts

    doer = acts.approve if arguments.verb == "approve" else acts.deny
    async with options.session(arguments) as session:
        try:
            event = await doer(session.client, session.namespace, arguments.team, event=arguments.event)
        except acts.NoSuchGateError as error:
            raise CommandError(exits.NOT_FOUND, str(error)) from None
        except acts.ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    word = "approved" if arguments.verb == "approve" else "denied"
    if arguments.output == "json":
        output.write_json(
            {"done": arguments.verb, "namespace": session.namespace, "team": arguments.team, "gate": event}
        )
    else:
        output.write(f"{event} of {session.namespace}/{arguments.team} {word}\n")
    return exits.OK
