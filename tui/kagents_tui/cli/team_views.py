"""``kagents agents``, ``gates``, ``mail``, ``tasks``, ``usage``: what the terminal shows of teams."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kagents_tui.cli import exits, fold, journals, money_tables, options, reading, tables, telling
from kagents_tui.cli.exits import CommandError
from kagents_tui.cli.options import Session
from kagents_tui.cli.tables import Table

Object = dict[str, Any]
Collect = Callable[[Session, Object], Awaitable[list[Object]]]

STATES: Final = ("waiting", "delivered", "seen", "unread")


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    parser = _verb(
        verbs,
        "agents",
        "list the agents of teams: what each does, waits for and costs, after whom it starts",
        ("kagents agents -A", "kagents agents q3-report -o wide"),
    )
    parser.set_defaults(run=_shown(telling.agents_of_team, tables.AGENTS, "agent"))
    parser = _verb(
        verbs,
        "gates",
        "list the gates of teams, waiting, decided or ahead",
        ("kagents gates -A", "kagents gates q3-report -o json"),
    )
    parser.set_defaults(run=_shown(telling.gates_of_team, tables.GATES, "event"))
    parser = _verb(
        verbs,
        "mail",
        "list the mail of teams: who wrote to whom, written, delivered, seen, unread for how long",
        (
            "kagents mail q3-report --state unread",
            "kagents mail q3-report --threads",
            "kagents mail -A --from lead --search 'database|schema' -o json",
        ),
    )
    parser.add_argument(
        "--threads", action="store_true", help="one line for every two who write to each other"
    )
    parser.add_argument("--from", dest="sender", metavar="AGENT", help="only what this agent wrote")
    parser.add_argument("--to", dest="receiver", metavar="AGENT", help="only what was written to this agent")
    parser.add_argument(
        "--kind", metavar="KIND", help="only this kind, such as message, idle_notification, task_assignment"
    )
    parser.add_argument(
        "--state", choices=STATES, metavar="STATE", help=f"only in this state: one of {', '.join(STATES)}"
    )
    parser.add_argument("--search", metavar="EXPRESSION", help="only where this regular expression matches")
    parser.set_defaults(run=mail)
    parser = _verb(
        verbs,
        "tasks",
        "list the tasks of teams: state and its age, owner, who else claimed it, what blocks it",
        ("kagents tasks q3-report", "kagents tasks q3-report --history", "kagents tasks -A -o json"),
    )
    parser.add_argument("--history", action="store_true", help="every change of every task, the oldest first")
    parser.set_defaults(run=tasks)
    parser = _verb(
        verbs,
        "usage",
        "list tokens and money of teams by agent and model",
        ("kagents usage q3-report", "kagents usage -A -o json"),
    )
    parser.set_defaults(run=_shown(_usage, money_tables.USAGE, "agent"))


def _verb(verbs: options.Verbs, name: str, text: str, examples: tuple[str, ...]) -> argparse.ArgumentParser:
    parser = options.verb(verbs, name, text, examples)
    parser.add_argument("team", nargs="?", metavar="TEAM", help="of this team only")
    options.add_everywhere(parser)
    options.add_output(parser)
    options.add_connection(parser)
    parser.set_defaults(what=name)
    return parser


def _shown(
    collect: Collect, table: Table[Object], key: str
) -> Callable[[argparse.Namespace], Awaitable[int]]:
    """A verb that shows what ``collect`` finds of each team."""

    async def run(arguments: argparse.Namespace) -> int:
        return await show(arguments, collect, table, lambda row: f"{row['team']}/{row[key]}")

    return run


async def show(
    arguments: argparse.Namespace, collect: Collect, table: Table[Object], name: Callable[[Object], str]
) -> int:
    """Asks the teams, and writes what they have in the wanted form."""
    async with options.session(arguments) as session:
        if arguments.team and session.everywhere:
            raise CommandError(exits.USAGE, "a name and -A do not go together")
        await reading.of_teams(collect, table, name)(session, arguments)
    return exits.OK


async def mail(arguments: argparse.Namespace) -> int:
    """Mail that passes the filters, message by message or in threads."""
    passes = _mail_filter(arguments)

    async def collect(session: Session, team: Object) -> list[Object]:
        found = [each for each in await journals.mail_of_team(session, team) if passes(each)]
        return fold.threads_of(found) if arguments.threads else found

    if arguments.threads:
        return await show(
            arguments,
            collect,
            tables.THREADS,
            lambda row: f"{row['team']}/{'+'.join(map(str, row['between']))}",
        )
    return await show(arguments, collect, tables.MAIL, lambda row: f"{row['team']}/{row['id']}")


def _mail_filter(arguments: argparse.Namespace) -> Callable[[Mapping[str, Any]], bool]:
    """A predicate over messages. Raises CommandError for an expression that cannot be read."""
    import re

    from kagents_core.wording import in_words

    try:
        search = re.compile(arguments.search or "", re.IGNORECASE).search
    except re.error as error:
        raise CommandError(
            exits.USAGE, f"--search {arguments.search!r} is no regular expression: {error}"
        ) from None
    wanted = {"from": arguments.sender, "to": arguments.receiver, "type": arguments.kind}
    states = {None: STATES, "unread": ("waiting", "delivered")}.get(arguments.state, (arguments.state,))

    def passes(message: Mapping[str, Any]) -> bool:
        return (
            all(value is None or message.get(name) == value for name, value in wanted.items())
            and message.get("state") in states
            and search(f"{message.get('summary') or ''} {in_words(message)}") is not None
        )

    return passes


async def tasks(arguments: argparse.Namespace) -> int:
    """Tasks as they stand, or all their changes."""

    async def history(session: Session, team: Object) -> list[Object]:
        found = [
            {"id": task["id"], "subject": task.get("subject"), **change}
            for task in await journals.tasks_of_team(session, team)
            for change in task["history"]
        ]
        return sorted(found, key=lambda change: str(change.get("at")))

    if arguments.history:
        return await show(arguments, history, tables.HISTORY, lambda row: f"{row['team']}/{row['id']}")
    return await show(
        arguments, journals.tasks_of_team, tables.TASKS, lambda row: f"{row['team']}/{row['id']}"
    )


async def _usage(session: Session, team: Object) -> list[Object]:
    return fold.usage_of(await journals.journal_of(session, team))
