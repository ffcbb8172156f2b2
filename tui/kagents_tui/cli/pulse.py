"""``kagents pulse``: the whole cluster in a few lines, from the teams' objects alone."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.cli import exits, options, output

if TYPE_CHECKING:
    from kagents_tui.rows.counting import Count, Session

SHORTEST: Final = 30
LONGEST: Final = 3600
"""Seconds between two looks."""


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "pulse",
        "count the whole cluster: teams by phase, agents by what they do, money, tasks, mail, who waits",
        ("kagents pulse", "kagents pulse --over 60", "kagents pulse -n dev-agents -o json"),
    )
    parser.add_argument(
        "--over",
        type=_seconds,
        metavar="SECONDS",
        help=f"look twice, so far apart ({SHORTEST} to {LONGEST}), and tell how fast money, requests, "
        "messages and tasks flow",
    )
    options.add_output(parser, ("table", "json", "yaml"))
    options.add_connection(parser)
    parser.set_defaults(run=pulse)


def _seconds(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and SHORTEST <= int(text) <= LONGEST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds from {SHORTEST} to {LONGEST}")


async def pulse(arguments: argparse.Namespace) -> int:
    """Of all namespaces, unless one is named."""
    import asyncio

    from kagents_tui.rows.counting import Session
    from kagents_tui.rows.teams import project

    counted = Session()
    async with options.session(arguments) as session:

        async def look() -> None:
            items = (await session.client.list(AGENT_TEAMS, arguments.namespace)).items
            counted.sample({team.key: team for team in map(project, items)}, datetime.now(UTC))

        await look()
        if arguments.over:
            await asyncio.sleep(arguments.over)
            await look()
    _write(counted, arguments.output)
    return exits.OK


def _write(counted: "Session", form: str) -> None:
    from kagents_tui.rows.pulse import gauges

    if counted.now is None:
        return
    if form == "json":
        output.write_json(document(counted, counted.now))
    elif form == "yaml":
        output.write_yaml(document(counted, counted.now))
    else:
        lines = [
            (each.name, each.value, each.about)
            for each in gauges(counted, datetime.now(UTC))
            if each.value != "?"
        ]
        output.write_table(["WHAT", "NOW", "ABOUT"], lines, widest=output.terminal_width())


def document(counted: "Session", now: "Count") -> dict[str, Any]:
    """The counts for a program; rates are null unless it was looked at twice."""
    from datetime import timedelta

    oldest, unread = now.oldest, now.oldest_unread
    return {
        "teams": now.teams,
        "phases": {str(phase): number for phase, number in now.phases.items()},
        "agents": now.agents,
        "states": dict(now.states),
        "costMicros": now.flow.spent,
        "costMicrosPerHour": counted.rate("spent", timedelta(hours=1)),
        "requests": now.flow.requests,
        "requestsPerMinute": counted.rate("requests", timedelta(minutes=1)),
        "messages": now.flow.messages,
        "messagesPerMinute": counted.rate("messages", timedelta(minutes=1)),
        "tasks": {"total": now.tasks, "completed": now.flow.tasks},
        "tasksPerHour": counted.rate("tasks", timedelta(hours=1)),
        "unread": now.unread,
        "oldestUnread": unread and {"since": _at(unread[0]), "namespace": unread[1][0], "team": unread[1][1]},
        "waiting": now.waiting,
        "oldestWaiting": oldest
        and {
            "since": _at(oldest[0]),
            "what": str(oldest[1].text),
            "namespace": oldest[2][0],
            "team": oldest[2][1],
        },
    }


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
