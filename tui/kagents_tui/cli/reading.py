"""``kagents get`` and ``kagents describe``."""

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kagents_core.api.resources import (
    AGENT_BUDGETS,
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    AGENT_USAGES,
    EVENTS,
    Resource,
)
from kagents_tui.cli import exits, journals, money_tables, options, output, tables, telling
from kagents_tui.cli.exits import CommandError
from kagents_tui.cli.options import Session
from kagents_tui.cli.tables import Table

Object = dict[str, Any]


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    parser = options.verb(
        verbs,
        "get",
        "list teams and what is theirs: agents, gates, mail and more; runs, templates, budgets, events",
        (
            "kagents get teams -A",
            "kagents get team q3-report -o yaml",
            "kagents get gates",
            "kagents get artifacts q3-report",
            "kagents get mail q3-report -o json",
        ),
    )
    parser.add_argument("what", choices=tuple(_GETTERS), metavar="WHAT", help=f"one of {', '.join(NAMES)}")
    parser.add_argument(
        "team", nargs="?", metavar="TEAM", help="of this team only; for runs, templates, budgets: their name"
    )
    options.add_everywhere(parser)
    options.add_output(parser)
    options.add_connection(parser)
    parser.set_defaults(run=get)

    parser = options.verb(
        verbs,
        "describe",
        "tell everything of one team in words: facts, agents, conditions, events",
        (
            "kagents describe q3-report",
            "kagents describe run/q4-security-review",
            "kagents describe budget/monthly",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team, or run/, budget/ or usage/NAME")
    options.add_connection(parser)
    parser.set_defaults(run=describe)


async def get(arguments: argparse.Namespace) -> int:
    """Fetch, then write in the wanted form."""
    async with options.session(arguments) as session:
        if arguments.team and session.everywhere:
            raise CommandError(exits.USAGE, "a name and -A do not go together")
        await _GETTERS[arguments.what](session, arguments)
    return exits.OK


async def describe(arguments: argparse.Namespace) -> int:
    """The same text that the terminal shows."""
    from kagents_tui.describe import describe as of_team
    from kagents_tui.describe import describe_object
    from kagents_tui.feed import events_of

    resource, name = options.split_kind(
        arguments.team, kinds=(AGENT_TEAMS, AGENT_TEAM_RUNS, AGENT_BUDGETS, AGENT_USAGES)
    )
    in_words = of_team if resource in (AGENT_TEAMS, AGENT_TEAM_RUNS) else describe_object
    async with options.session(arguments) as session:
        found = await session.client.get(resource, session.namespace, name)
        events = await events_of(session.client, session.namespace, found["metadata"]["uid"])
    output.write(in_words(found, events, datetime.now(UTC)).rstrip("\n") + "\n")
    return exits.OK


def _objects(resource: Resource, table: Table[Object]) -> "Getter":
    """A getter of custom resources themselves."""

    async def getter(session: Session, arguments: argparse.Namespace) -> None:
        if arguments.team:
            items = [await session.client.get(resource, session.namespace, arguments.team)]
        else:
            items = (await session.client.list(resource, session.scope)).items
        shown: Any = output.as_list(items)
        if arguments.team:
            shown = output.without_noise(items[0])
        if not _write_data(shown, arguments.output):
            _write_rows(
                items,
                table,
                session,
                arguments,
                name=_name_of(resource),
            )

    return getter


_WORDS: Final = {"usage": "records of usage"}
"""What is said of things whose name is no plural."""

Getter = Callable[[Session, argparse.Namespace], Awaitable[None]]


def of_teams(
    collect: Callable[[Session, Object], Awaitable[list[Object]]],
    table: Table[Object],
    name: Callable[[Object], str],
) -> Getter:
    """A getter of what belongs to teams; each row carries its team and namespace."""

    async def getter(session: Session, arguments: argparse.Namespace) -> None:
        if arguments.team:
            teams = [await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)]
        else:
            teams = (await session.client.list(AGENT_TEAMS, session.scope)).items
        rows = await _rows_of(collect, session, teams, alone=bool(arguments.team))
        if not _write_data(rows, arguments.output):
            _write_rows(rows, table, session, arguments, name=name)

    return getter


async def _rows_of(
    collect: Callable[[Session, Object], Awaitable[list[Object]]],
    session: Session,
    teams: Sequence[Object],
    *,
    alone: bool,
) -> list[Object]:
    """The rows of all teams in the order of the teams, asked for a few at a time."""
    import asyncio

    from kagents_tui.gathering import AT_ONCE

    turns = asyncio.Semaphore(AT_ONCE)

    async def of(team: Object) -> list[Object]:
        at = {"namespace": team["metadata"]["namespace"], "team": team["metadata"]["name"]}
        async with turns:
            return [at | row for row in await _collected(collect, session, team, alone=alone)]

    return [row for rows in await asyncio.gather(*map(of, teams)) for row in rows]


async def _collected(
    collect: Callable[[Session, Object], Awaitable[list[Object]]],
    session: Session,
    team: Object,
    *,
    alone: bool,
) -> list[Object]:
    """What a team gives; of many teams, one that cannot answer is a remark and not the end."""
    from kagents_core.kube.errors import ApiError
    from kagents_tui.journal_stream import NoJournalError

    try:
        return await collect(session, team)
    except NoJournalError as error:
        if alone:
            raise CommandError(exits.NOT_FOUND, str(error)) from None
        options.note(str(error))
    except ApiError as error:
        if alone:
            raise
        options.note(f"{team['metadata']['name']}: {error}")
    return []


def _write_data(value: Any, form: str) -> bool:
    if form == "json":
        output.write_json(value)
    elif form == "yaml":
        output.write_yaml(value)
    return form in ("json", "yaml")


def _write_rows(
    items: Sequence[Object],
    table: Table[Object],
    session: Session,
    arguments: argparse.Namespace,
    *,
    name: Callable[[Object], str],
) -> None:
    if arguments.output == "name":
        from kagents_core.safetext import clean

        for item in items:
            output.write(clean(name(item), limit=300, multiline=False) + "\n")
        return
    if not items:
        where = "any namespace" if session.everywhere else f"namespace {session.namespace}"
        options.note(
            f"there are no {_WORDS.get(arguments.what, arguments.what)} "
            + (f"of {arguments.team}" if arguments.team else f"in {where}")
        )
        return
    wide = arguments.output == "wide"
    now = datetime.now(UTC)
    columns, rows = tables.render(
        table, items, now, wide=wide, namespaces=session.everywhere, teams=not arguments.team
    )
    output.write_table(columns, rows, widest=None if wide else output.terminal_width())


async def _events(session: Session, arguments: argparse.Namespace) -> None:
    fields = None
    if arguments.team:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        fields = f"involvedObject.uid={team['metadata']['uid']}"
    items = (await session.client.list(EVENTS, session.scope, fields=fields)).items
    if not arguments.team:
        items = [each for each in items if _is_ours(each)]
    items.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    if not _write_data(output.as_list(items), arguments.output):
        _write_rows(
            items, tables.EVENTS, session, arguments, name=lambda item: f"event/{item['metadata']['name']}"
        )


def _is_ours(event: Mapping[str, Any]) -> bool:
    about = event.get("involvedObject") or {}
    return str(about.get("apiVersion", "")).partition("/")[0] == AGENT_TEAMS.group


async def _usage(session: Session, arguments: argparse.Namespace) -> None:
    """Records of usage; TEAM names the team that they are of."""
    items = (await session.client.list(AGENT_USAGES, session.scope)).items
    if arguments.team:
        items = [each for each in items if (each.get("spec") or {}).get("team") == arguments.team]
    items.sort(key=lambda each: str((each.get("spec") or {}).get("endedAt")), reverse=True)
    if not _write_data(output.as_list(items), arguments.output):
        _write_rows(items, money_tables.RECORDS, session, arguments, name=_name_of(AGENT_USAGES))


def _name_of(resource: Resource) -> Callable[[Object], str]:
    return lambda item: f"{resource.singular}.{resource.group}/{item['metadata']['name']}"


_BUDGETS: Final = _objects(AGENT_BUDGETS, money_tables.BUDGETS)
_TEAMS: Final = _objects(AGENT_TEAMS, tables.TEAMS)
_RUNS: Final = _objects(AGENT_TEAM_RUNS, tables.RUNS)
_TEMPLATES: Final = _objects(AGENT_TEAM_TEMPLATES, tables.TEMPLATES)
_GETTERS: Final[dict[str, Getter]] = {
    "teams": _TEAMS,
    "agents": of_teams(telling.agents_of_team, tables.AGENTS, lambda row: f"{row['team']}/{row['agent']}"),
    "gates": of_teams(telling.gates_of_team, tables.GATES, lambda row: f"{row['team']}/{row['event']}"),
    "deliveries": of_teams(
        telling.delivery_of_team,
        tables.DELIVERIES,
        lambda row: f"{row['team']}/{row['branch'] or row['state']}",
    ),
    "artifacts": of_teams(
        telling.artifacts_of_team, tables.ARTIFACTS, lambda row: f"{row['team']}:{row['agent']}/{row['name']}"
    ),
    "mail": of_teams(journals.mail_of_team, tables.MAIL, lambda row: f"{row['team']}/{row['id']}"),
    "tasks": of_teams(journals.tasks_of_team, tables.TASKS, lambda row: f"{row['team']}/{row['id']}"),
    "runs": _RUNS,
    "templates": _TEMPLATES,
    "budgets": _BUDGETS,
    "usage": _usage,
    "events": _events,
    "team": _TEAMS,
    "run": _RUNS,
    "template": _TEMPLATES,
    "budget": _BUDGETS,
}
NAMES: Final = (
    "teams",
    "agents",
    "gates",
    "deliveries",
    "artifacts",
    "mail",
    "tasks",
    "runs",
    "templates",
    "budgets",
    "usage",
    "events",
)
