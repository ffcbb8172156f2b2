"""``kagents kill``, ``delete``, ``suspend`` and ``resume``. What cannot be taken back is asked for first."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES, AGENT_TEAMS
from kagents_core.safetext import clean
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError

_WORDS = {
    "kill": ("cancel a team for good: its agents stop, files and mail stay", "is being cancelled"),
    "delete": ("remove a team with everything it owns: pods, volumes, mail, tasks", "is being deleted"),
    "suspend": ("stop a team's agents; files and sessions stay", "is being suspended"),
    "resume": ("continue a suspended team in the sessions it had", "resumes"),
}
_CONSEQUENCE = {
    "kill": "its agents are stopped and do not come back; files, mail and tasks stay",
    "delete": "it is removed with everything it owns; there is no way back",
}


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    for name, (words, _) in _WORDS.items():
        asks = name in _CONSEQUENCE
        parser = options.verb(
            verbs,
            name,
            words,
            (f"kagents {name} q3-report{' --yes' if asks else ''}", f"kagents {name} run/q4-security-review"),
        )
        parser.add_argument("team", metavar="TEAM", help="name of the team, or KIND/NAME such as run/NAME")
        if asks:
            parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
        options.add_output(parser, ("table", "json"))
        options.add_connection(parser)
        parser.set_defaults(run=stop)


async def stop(arguments: argparse.Namespace) -> int:
    """Look at the object, ask if it must be asked, and do it to that object alone."""
    from kagents_tui import acts

    verb = arguments.verb
    kinds = (
        (AGENT_TEAMS, AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES, AGENT_BUDGETS)
        if verb == "delete"
        else (AGENT_TEAMS, AGENT_TEAM_RUNS)
    )
    resource, name = options.split_kind(arguments.team, kinds=kinds)
    doers: dict[str, Callable[..., Awaitable[None]]] = {
        "kill": acts.kill, "delete": acts.delete, "suspend": acts.suspend, "resume": acts.resume,
    }  # fmt: skip
    async with options.session(arguments) as session:
        found = await session.client.get(resource, session.namespace, name)
        title = f"{resource.singular} {session.namespace}/{name}"
        if verb in _CONSEQUENCE and not arguments.yes:
            confirm(verb, title, found)
        try:
            await doers[verb](
                session.client,
                session.namespace,
                name,
                uid=found["metadata"]["uid"],
                generation=found["metadata"].get("generation"),
                resource=resource,
            )
        except acts.ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    if arguments.output == "json":
        told = {"done": verb, "kind": resource.kind, "namespace": session.namespace, "name": name}
        output.write_json({**told, "uid": found["metadata"]["uid"]})
    else:
        output.write(f"{title} {_WORDS[verb][1]}\n")
    return exits.OK


def confirm(verb: str, title: str, found: dict[str, Any]) -> None:
    """Ask on the terminal. Raises CommandError for any answer but yes, and without a terminal to ask on."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandError(exits.REFUSED, f"{title}: there is no terminal to ask on, so say --yes")
    phase = clean(str((found.get("status") or {}).get("phase") or "Pending"), limit=100, multiline=False)
    print(f"{verb} {title} ({phase})? {_CONSEQUENCE[verb]}.", file=sys.stderr)  # noqa: T201
    print("Type yes to go on [no]: ", end="", file=sys.stderr, flush=True)  # noqa: T201
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError(exits.REFUSED, f"{title}: nothing was done")
